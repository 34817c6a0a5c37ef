"""The terminal: words in, words out; the only place that catches errors."""

from __future__ import annotations

import dataclasses
import json
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pipeline.errors import JixiangError, Problem

if TYPE_CHECKING:
    from click._termui_impl import ProgressBar

    from pipeline.amending import Amendment

_EXPLANATIONS = Path(__file__).parent / "docs/errors.zh.md"
_USAGE, _OUR_BUG, _INTERRUPTED = 2, 70, 130

_PRUNE_AT_MOST = 100


class _Command(click.Command):
    """A command whose help is laid out with Chinese headings: media staff read it."""

    def format_usage(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        formatter.write_usage(ctx.command_path, " ".join(self.collect_usage_pieces(ctx)), prefix="用法：")

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        options = (option for option in self.get_params(ctx) if isinstance(option, click.Option))
        rows = [row for option in options if (row := option.get_help_record(ctx))]
        with formatter.section("选项"):
            formatter.write_dl(rows)

    def get_help_option(self, ctx: click.Context) -> click.Option | None:
        option = super().get_help_option(ctx)
        if option is not None:
            option.help = "显示这段说明。"
        return option


class _Group(_Command, click.Group):
    command_class = _Command

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        super().format_options(ctx, formatter)
        with formatter.section("命令"):
            formatter.write_dl([(name, self.commands[name].get_short_help_str()) for name in self.list_commands(ctx)])


_workspace_option = click.option(
    "-C",
    "workspace",
    metavar="DIR",
    type=click.Path(path_type=Path),
    help="节目所在的文件夹（里面有 series.toml）；不写就是 episodes。写在 build 前面或后面都行。",
)


_out_option = click.option(
    "--out", metavar="DIR", type=click.Path(path_type=Path), help="做好的东西放在哪里；不写就放在节目旁边的 out。"
)


def _reason_options(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command what all that change a promise ask for."""
    why = click.option("--reason", metavar="理由", help="为什么；记在台账里，会随台账放到网站上。不写就会问。")
    return why(click.option("--yes", is_flag=True, help="看过影响，不再问一遍。")(command))


@click.group(cls=_Group, subcommand_metavar="命令 …", options_metavar="[选项]")
@_workspace_option
@click.version_option(package_name="jixiang", message="jixiang %(version)s", help="显示版本。")
@click.pass_context
def jixiang(ctx: click.Context, workspace: Path | None) -> None:
    """把《好生活·好吉祥》的稿件和录音做成声音、海报、网页和订阅。"""
    ctx.obj = workspace


@jixiang.command(options_metavar="[选项]")
@click.argument("numbers", metavar="期数…", type=int, nargs=-1)
@click.option("--all", "everything", is_flag=True, help="制作全部期数。")
@_workspace_option
@_out_option
@click.option("--now", metavar="ISO", help="当作现在是这个时间，如 2026-11-30T08:00；决定哪些期已到发布时间。")
@click.option("--frozen", is_flag=True, help="不许往台账里添行（给自动检查用）。")
@click.option("--strict", is_flag=True, help="订阅里“最好做到”的规则也当作必须。")
@click.option("--json", "as_json", is_flag=True, help="结果写成 JSON。")
@click.pass_context
def build(
    ctx: click.Context,
    *,
    numbers: Sequence[int],
    everything: bool,
    workspace: Path | None,
    out: Path | None,
    now: str | None,
    frozen: bool,
    strict: bool,
    as_json: bool,
) -> None:
    """制作一期或几期：声音、字幕、海报、网页、订阅。

    例如 jixiang build 7 做第 7 期，jixiang build --all 做全部。没有变的部分不会重做。
    """
    if everything == bool(numbers):
        raise click.UsageError("写明要做第几期，如 jixiang build 7；或用 jixiang build --all 做全部", ctx)
    workspace = _find_workspace(workspace or ctx.obj or Path("episodes"))
    moment = _parse_now(now, ctx)
    # Imported only now, so that --help answers at once.
    from pipeline import telling  # noqa: PLC0415
    from pipeline.build import build as build_episodes  # noqa: PLC0415

    progress = _Progress()
    outcome = build_episodes(
        workspace,
        out or _out_beside(workspace),
        numbers=None if everything else numbers,
        now=moment,
        frozen=frozen,
        strict=strict,
        progress=progress.tell,
    )
    progress.close()
    if as_json:
        _print_json(telling.outcome_as_json(outcome))
    else:
        _print_lines(telling.tell_outcome(outcome))
    _tell_problems(telling.problems_of(outcome))
    ctx.exit(max((failure.exit_code for failure in outcome.failures), default=0))


@jixiang.command(options_metavar="[选项]")
@_workspace_option
@_out_option
@click.option("--strict", is_flag=True, help="订阅里“最好做到”的规则也当作必须。")
@click.option("--json", "as_json", is_flag=True, help="结果写成 JSON。")
@click.pass_context
def check(ctx: click.Context, *, workspace: Path | None, out: Path | None, strict: bool, as_json: bool) -> None:
    """不制作，只检查：稿件和资料写得对不对，做好的订阅合不合规则、守不守台账里的承诺。"""
    from pipeline.checking import check_workspace  # noqa: PLC0415  (as above)

    workspace = _find_workspace(workspace or ctx.obj or Path("episodes"))
    checked = check_workspace(workspace, out or _out_beside(workspace), strict=strict)
    if as_json:
        problems, notes = ([dataclasses.asdict(each) for each in group] for group in (checked.problems, checked.notes))
        _print_json({"problems": problems, "notes": notes})
    for note in () if as_json else checked.notes:
        click.echo(f"提醒：{note}")
    if not checked.problems and not as_json:
        of_feed = "做好的订阅也合规则" if checked.feed_checked else "订阅还没有做过，没有检查"
        click.echo(f"√ {checked.episodes} 期的稿件和资料都没有问题；{of_feed}。")
    _tell_problems(checked.problems)
    ctx.exit(checked.exit_code)


@jixiang.command(options_metavar="[选项]")
@click.argument("number", metavar="期数", type=int)
@_workspace_option
@_out_option
@click.option("--all", "everything", is_flag=True, help="列出全部字幕，不只是拿不准的。")
@click.option("--json", "as_json", is_flag=True, help="结果写成 JSON。")
@click.pass_context
def captions(
    ctx: click.Context, *, number: int, workspace: Path | None, out: Path | None, everything: bool, as_json: bool
) -> None:
    """做一期，列出时间拿不准的字幕，告诉您怎么手改。"""
    from pipeline import telling  # noqa: PLC0415  (as above)
    from pipeline.build import build as build_episodes  # noqa: PLC0415

    workspace = _find_workspace(workspace or ctx.obj or Path("episodes"))
    progress = _Progress()
    out = out or _out_beside(workspace)
    outcome = build_episodes(workspace, out, numbers=[number], now=datetime.now(UTC), progress=progress.tell)
    progress.close()
    for built in outcome.built:
        if as_json:
            _print_json(telling.captions_as_json(built))
        else:
            _print_lines(telling.tell_captions(built, out / "report", everything=everything))
    _tell_problems(telling.problems_of(outcome))
    ctx.exit(max((failure.exit_code for failure in outcome.failures), default=0))


@jixiang.command(options_metavar="[选项]")
@click.argument("name", metavar="[名字]", default=None, required=False)
@_workspace_option
@_out_option
@click.option("--dry-run", is_flag=True, help="只列出会传什么，不传。")
@click.option(
    "--prune",
    metavar="[N]",
    type=click.IntRange(min=1),
    is_flag=False,
    flag_value=_PRUNE_AT_MOST,
    help=f"传完以后，删掉网站上不再用的文件，最多 N 个（不写就是 {_PRUNE_AT_MOST}），超过就一个也不删；台账和订阅提到过的不删。",
)
@click.option("--now", metavar="ISO", help="当作现在是这个时间；正式发布不能晚于真正的现在。")
@click.option("--json", "as_json", is_flag=True, help="结果写成 JSON。")
@click.pass_context
def publish(
    ctx: click.Context,
    *,
    name: str | None,
    workspace: Path | None,
    out: Path | None,
    dry_run: bool,
    prune: int | None,
    now: str | None,
    as_json: bool,
) -> None:
    """先全部制作一遍，再发布到网站；订阅最后放上去。

    发布到哪里写在 series.toml 里，例如 jixiang publish website；只有一个地方就不用写名字。中途断了，再运行一次会接着传。
    """
    from pipeline import telling  # noqa: PLC0415  (as above)
    from pipeline.publishing import publish_series  # noqa: PLC0415

    workspace = _find_workspace(workspace or ctx.obj or Path("episodes"))
    progress, transfer = _Progress(), _Transfer()
    publication = publish_series(
        workspace,
        out or _out_beside(workspace),
        name,
        now=_parse_now(now, ctx),
        dry_run=dry_run,
        prune=prune,
        progress=progress.tell,
        transfer=transfer.tell,
    )
    transfer.close()
    if as_json:
        _print_json(telling.publication_as_json(publication))
    else:
        _print_lines(telling.tell_publication(publication))
    _tell_problems(telling.problems_of(publication.outcome))
    ctx.exit(max((failure.exit_code for failure in publication.outcome.failures), default=0))


@jixiang.command(options_metavar="[选项]")
@click.argument("name", metavar="[名字]", default=None, required=False)
@_workspace_option
@_out_option
@click.pass_context
def restore(ctx: click.Context, *, name: str | None, workspace: Path | None, out: Path | None) -> None:
    """把网站上有、这里没有的取回来：台账的行，和已经发布的声音。"""
    from pipeline.publishing import restore as restore_series  # noqa: PLC0415  (as above)

    workspace = _find_workspace(workspace or ctx.obj or Path("episodes"))
    transfer = _Transfer()
    restored = restore_series(workspace, out or _out_beside(workspace), name, transfer=transfer.tell)
    transfer.close()
    click.echo(f"从 {restored.destination.fetch_url} 取回台账 {restored.lines} 行、声音 {len(restored.files)} 个。")
    for path in restored.files:
        click.echo(f"  {path}")


@jixiang.command(options_metavar="[选项]")
@_workspace_option
@click.option("--json", "as_json", is_flag=True, help="结果写成 JSON。")
@click.pass_context
def ledger(ctx: click.Context, *, workspace: Path | None, as_json: bool) -> None:
    """把台账列成表：哪一期答应过听众什么。"""
    from pipeline import telling  # noqa: PLC0415  (as above)
    from pipeline.build import LEDGER_FILE  # noqa: PLC0415
    from pipeline.ledger import read_ledger  # noqa: PLC0415

    workspace = _find_workspace(workspace or ctx.obj or Path("episodes"))
    promises = read_ledger(workspace / LEDGER_FILE)
    if as_json:
        _print_json(telling.ledger_as_json(promises))
    else:
        _print_lines(telling.tell_ledger(promises))


@jixiang.command(options_metavar="[选项]")
@click.argument("number", metavar="期数", type=int)
@_reason_options
@_workspace_option
@_out_option
@click.pass_context
def correct(ctx: click.Context, *, number: int, reason: str | None, yes: bool, workspace: Path | None, out: Path | None) -> None:
    """已经发布的一期，换一份声音：先把新的录音放好，再运行这个命令。"""
    from pipeline.amending import propose_correction  # noqa: PLC0415  (as above)

    workspace = _find_workspace(workspace or ctx.obj or Path("episodes"))
    _amend(propose_correction(workspace, number), out or _out_beside(workspace), reason=reason, yes=yes)
    click.echo(f"下一步：jixiang build {number} 听一听，再 jixiang publish。")


@jixiang.command(options_metavar="[选项]")
@click.argument("number", metavar="期数", type=int)
@_reason_options
@_workspace_option
@_out_option
@click.pass_context
def retire(ctx: click.Context, *, number: int, reason: str | None, yes: bool, workspace: Path | None, out: Path | None) -> None:
    """把已经发布的一期从订阅里撤下；它的网页和海报上的码照样能用。"""
    from pipeline.amending import propose_retirement  # noqa: PLC0415  (as above)

    workspace = _find_workspace(workspace or ctx.obj or Path("episodes"))
    _amend(propose_retirement(workspace, number), out or _out_beside(workspace), reason=reason, yes=yes)
    click.echo("下一步：jixiang publish。")


@jixiang.command(options_metavar="[选项]")
@_reason_options
@_workspace_option
@_out_option
@click.pass_context
def move(ctx: click.Context, *, reason: str | None, yes: bool, workspace: Path | None, out: Path | None) -> None:
    """网站搬家：旧网址怎么转到新网址，写清楚、记下来。

    先把 series.toml 里的 site_url 改成新地址，再运行这个命令。
    """
    from pipeline.amending import propose_move  # noqa: PLC0415  (as above)

    workspace = _find_workspace(workspace or ctx.obj or Path("episodes"))
    out = out or _out_beside(workspace)
    _amend(propose_move(workspace), out, reason=reason, yes=yes)
    click.echo(f"旧网址怎么转到新网址，写在 {out / 'move'}，请交给管网站的人。下一步：jixiang publish，再在旧网址上放好转发。")


@jixiang.command(options_metavar="[选项]")
@click.argument("file", metavar="文件", type=click.Path(path_type=Path))
@click.argument("url", metavar="[网址]", default="")
@click.option("--json", "as_json", is_flag=True, help="结果写成 JSON。")
@click.pass_context
def proof(ctx: click.Context, *, file: Path, url: str, as_json: bool) -> None:
    """检查一张图片或 PDF 上的二维码扫不扫得开，比如印刷厂给的样张，或者样张的照片。

    例如 jixiang proof 样张.jpg https://jixiang.example/7/；不写网址，就只看码里是什么。
    """
    from pipeline import telling  # noqa: PLC0415  (as above)
    from pipeline.poster.proof import examine  # noqa: PLC0415

    findings = examine(file, url)
    problems = [problem for finding in findings for problem in finding.problems]
    if as_json:
        codes = [telling.finding_as_json(finding) for finding in findings]
        _print_json({"file": str(file), "codes": codes, "problems": [dataclasses.asdict(problem) for problem in problems]})
    else:
        _print_lines(telling.tell_findings(file, findings))
    _tell_problems(problems)
    ctx.exit(1 if problems else 0)


def main() -> None:
    """Run the command line and leave with the exit code of architecture.md."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")  # a Windows console in GBK cannot print every character of a title
    sys.exit(_run(sys.argv[1:]))


def _run(arguments: Sequence[str]) -> int:
    try:
        return int(jixiang.main(list(arguments), prog_name="jixiang", standalone_mode=False) or 0)
    except click.UsageError as error:
        _tell_usage(error)
        return _USAGE
    except JixiangError as error:
        if "--json" in arguments:
            _print_json({"problems": [dataclasses.asdict(each) for each in error.problems]})
        _tell_problems(error.problems)
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        click.echo("已停下。做好的部分都还在，再做一次会接着做。", err=True)
        return _INTERRUPTED
    except Exception:  # noqa: BLE001  (whatever no class of ours foresaw is our bug: tell it whole, with a code of its own)
        traceback.print_exc()
        click.echo("这是程序自己的错误，不是您的。请把上面这段文字发给维护的人。", err=True)
        return _OUR_BUG


# Where things are


def _find_workspace(folder: Path) -> Path:
    """Return the folder with series.toml: the one named, or the ``episodes`` in it."""
    inner = folder / "episodes"
    return inner if not (folder / "series.toml").is_file() and (inner / "series.toml").is_file() else folder


def _out_beside(workspace: Path) -> Path:
    """Return where results go: ``out`` beside a folder called ``episodes``, as in the repository, else inside the workspace."""
    return workspace.parent / "out" if workspace.resolve().name == "episodes" else workspace / "out"


def _parse_now(written: str | None, ctx: click.Context) -> datetime:
    try:
        return datetime.fromisoformat(written) if written else datetime.now(UTC)
    except ValueError:
        raise click.UsageError(f"--now 看不懂“{written}”，写成 2026-11-30T08:00 这样", ctx) from None


def _amend(amendment: Amendment, out: Path, *, reason: str | None, yes: bool) -> None:
    """Show who is affected, ask why and whether it is meant, and write it down."""
    from pipeline.amending import record  # noqa: PLC0415  (as above)

    click.echo(f"{amendment.title}：")
    for sentence in amendment.affected:
        click.echo(f"  · {sentence}")
    try:
        reason = reason if reason is not None else click.prompt("为什么（一句话，会随台账放到网站上）", err=True)
        agreed = yes or click.confirm("确定吗（y 是，N 不）", err=True)
    except click.Abort:
        if sys.stdin.isatty():
            raise
        raise click.UsageError("这里没有人回答：请写上 --reason 理由 和 --yes") from None
    if not agreed:
        click.echo("没有记，什么都没有改。", err=True)
        raise click.exceptions.Exit(_INTERRUPTED)
    record(amendment, out, reason=reason, now=datetime.now(UTC))
    click.echo(f"√ 已记入台账 {amendment.promises.file}")


# Words out


class _Progress:
    """Lines on stderr as slow pieces of work start and end; what the store had is only counted."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._began_s = time.monotonic()
        self._kept = 0

    def tell(self, name: str, state: str) -> None:
        with self._lock:
            if state == "已有":
                self._kept += 1
            else:
                mark = {"开始": "…", "做好": "√", "停下": "×"}[state]
                click.echo(f"{time.monotonic() - self._began_s:5.0f} 秒  {mark} {name}", err=True)

    def close(self) -> None:
        if self._kept:
            click.echo(f"{time.monotonic() - self._began_s:5.0f} 秒  √ {self._kept} 件没有变，直接取用", err=True)


class _Transfer:
    """A bar on stderr for what goes over the wire, one for each step."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._step = ""
        self._bar: ProgressBar[int] | None = None

    def tell(self, step: str, done_bytes: int, all_bytes: int) -> None:
        with self._lock:
            if step != self._step:
                self._finish()
                self._step = step
            if self._bar is None and step:
                self._bar = click.progressbar(length=max(all_bytes, 1), label=step, file=sys.stderr, show_pos=False)
                self._bar.render_progress()
            if self._bar is not None:
                self._bar.length = max(all_bytes, 1)
                self._bar.update(max(0, done_bytes - self._bar.pos))

    def close(self) -> None:
        with self._lock:
            self._finish()

    def _finish(self) -> None:
        if self._bar is not None:
            self._bar.render_finish()
        self._bar = None


def _tell_problems(problems: Sequence[Problem]) -> None:
    if problems:
        click.echo(f"\n有 {len(problems)} 处要改：", err=True)
    for number, problem in enumerate(problems, start=1):
        where = f"{problem.place} 第 {problem.line} 行" if problem.line else f"{problem.place}"
        click.echo(f"\n{number}. {where}\n   {problem.cause}。\n   怎么改：{problem.fix}。[{problem.code}]", err=True)
    if problems and _EXPLANATIONS.is_file():
        click.echo(f"\n每个编号的详细说明：{_EXPLANATIONS}", err=True)


def _tell_usage(error: click.UsageError) -> None:
    if isinstance(error, click.exceptions.NoArgsIsHelpError) and error.ctx:
        click.echo(error.ctx.get_help(), err=True)
        return
    if error.ctx:
        click.echo(error.ctx.get_usage(), err=True)
    match error:
        case click.NoSuchOption():
            words = f"没有 {error.option_name} 这个选项"
        case click.NoSuchCommand():
            words = f"没有这个命令；可以用的有：{'、'.join(jixiang.commands)}"
        case click.BadOptionUsage(option_name=name):
            options = (each for command in jixiang.commands.values() for each in command.params)
            option = next((each for each in options if name in each.opts), None)
            flag = isinstance(option, click.Option) and option.is_flag
            words = f"{name} 后面不写内容" if flag else f"{name} 后面还要写内容"
        case click.MissingParameter(param=click.Argument() as argument):
            words = f"还要写明{argument.metavar}"
        case click.BadParameter(param=click.Argument()):
            words = "期数要写整数，如 7"
        case click.BadParameter(param=click.Option() as option):
            words = f"{option.opts[0]} 后面的内容不对"
        case _:
            words = error.message
    click.echo(f"{words}。用 --help 看说明。", err=True)


def _print_lines(lines: Iterable[str]) -> None:
    for line in lines:
        click.echo(line)


def _print_json(result: dict[str, object]) -> None:
    click.echo(json.dumps(result, ensure_ascii=False, indent=1, default=str))  # paths and moments


if __name__ == "__main__":
    main()
