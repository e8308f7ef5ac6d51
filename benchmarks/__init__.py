"""The measurements behind every number of the documentation, a folder for each topic.

``python -m benchmarks.TOPIC.run`` measures from the repository's root and keeps ``results*.json`` beside the script,
``table.py`` lays the results out, and ``python -m benchmarks.readme`` puts them into the documents. What a results file
holds already is not measured again.
"""
