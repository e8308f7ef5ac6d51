"""Commands for others: a web page, and repositories on the Hugging Face Hub."""

import argparse


def demo(options: argparse.Namespace) -> None:
    """Serve a web page that classifies simulated or uploaded recordings, by default to this machine only.

    Needs Gradio: pip install -e '.[demo]'.
    """
    from nmr_speech.demo.page import serve

    page = serve(options.source, options.revision, options.host, options.port)
    print(f"{page.local_url} (Ctrl+C stops it)", flush=True)
    page.block_thread()


def publish(options: argparse.Namespace) -> None:
    """Publish on the Hugging Face Hub under the Apache-2.0 licence: check, upload what differs, load back, then tag.

    Needs `hf auth login` or HF_TOKEN. Rerun the command to resume.
    """
    from nmr_speech.publish import commands
    from nmr_speech.publish.upload import Target

    settings = {name: getattr(options, name) for name in ("revision", "private", "tag", "create_pr")}
    target = Target(options.repository, options.kind, **settings)
    if options.kind == "model":
        commands.publish_model(options.folder, target, options.dataset, options.dry_run)
    else:
        commands.publish_data(options.folder, target, options.dry_run)
