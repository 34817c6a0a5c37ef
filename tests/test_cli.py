"""The terminal: what staff type and what they read."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

import cli
from pipeline import qr, telling
from pipeline.captions.likelihood import available
from tests.posters import coarsen

REPOSITORY = Path(__file__).parents[1]
SAMPLE = REPOSITORY / "tests" / "samples" / "workspace"
SCRIPTS = REPOSITORY / "tests" / "samples" / "scripts"


def _jixiang(*arguments: str | Path, encoding: str = "utf-8") -> subprocess.CompletedProcess[str]:
    environment = {"PYTHONIOENCODING": encoding, "PATH": "/usr/bin:/bin"}
    command = [sys.executable, str(REPOSITORY / "cli.py"), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, encoding=encoding, env=environment, check=False)


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    return coarsen(shutil.copytree(SAMPLE, tmp_path / "episodes"))


def test_help_answers_without_loading_what_is_heavy() -> None:
    heavy = "PIL numpy feedgen pydub lxml jinja2 boto3 onnxruntime cattrs yaml zxingcpp deqr cv2"
    program = (
        f"import sys, cli\ncode = cli._run(['build', '--help'])\nprint(code, sorted(set('{heavy}'.split()) & set(sys.modules)))"
    )
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, encoding="utf-8", cwd=REPOSITORY, check=True)
    assert ended.stdout.endswith("0 []\n")


def test_every_command_has_chinese_help() -> None:
    for command in cli.jixiang.commands:
        shown = CliRunner().invoke(cli.jixiang, [command, "--help"]).output
        assert "用法：" in shown
        assert "选项" in shown
        assert "Usage" not in shown


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["build"], "写明要做第几期"),
        (["build", "1", "--all"], "写明要做第几期"),
        (["build", "七"], "期数要写整数"),
        (["build", "1", "--fast"], "没有 --fast 这个选项"),
        (["build", "1", "--now", "明天"], "--now 看不懂“明天”"),
        (["build", "--all", "--frozen=1"], "--frozen 后面不写内容"),
        (["build", "1", "--out"], "--out 后面还要写内容"),
        (["bild", "1"], "没有这个命令"),
        (["proof"], "还要写明文件"),
        (["proof", "样张.jpg", "--json=1"], "--json 后面不写内容"),
        ([], "build"),
    ],
)
def test_a_slip_on_the_command_line_is_explained_in_chinese(arguments: list[str], said: str) -> None:
    ended = _jixiang(*arguments)
    assert ended.returncode == 2
    assert said in ended.stderr
    assert "Error" not in ended.stderr


def test_errors_come_as_place_cause_fix_and_code(workspace: Path) -> None:
    shutil.rmtree(workspace / "02-laojie")
    shutil.rmtree(workspace / "01-laowu")
    shutil.copytree(SCRIPTS / "many-at-once", workspace / "07-duo")
    ended = _jixiang("build", "7", "-C", workspace)
    assert ended.returncode == 1
    assert "Traceback" not in ended.stderr
    assert "有 6 处要改" in ended.stderr
    assert f"{workspace / '07-duo' / 'script.md'} 第 3 行" in ended.stderr
    assert "怎么改：" in ended.stderr
    assert "[JX-A11]" in ended.stderr


def test_json_holds_the_problems_too(tmp_path: Path) -> None:
    ended = _jixiang("build", "--all", "--json", "-C", tmp_path)
    assert ended.returncode == 1
    assert json.loads(ended.stdout)["problems"][0]["code"] == "JX-A50"


def test_the_workspace_may_be_named_before_or_after_the_command(tmp_path: Path) -> None:
    assert f"1. {tmp_path}\n" in _jixiang("-C", tmp_path, "build", "1").stderr
    assert f"1. {tmp_path}\n" in _jixiang("build", "1", "-C", tmp_path).stderr


def test_a_console_in_gbk_shows_every_message(workspace: Path) -> None:
    script = workspace / "01-laowu" / "script.md"
    script.write_text(script.read_text(encoding="utf-8").replace("culture", "文化🎧"), encoding="utf-8")
    shutil.rmtree(workspace / "02-laojie")
    ended = _jixiang("build", "1", "-C", workspace, encoding="gbk")
    assert ended.returncode == 1
    assert "没有“文化?”这个方面" in ended.stderr


def test_the_output_lies_beside_a_folder_called_episodes_and_inside_any_other(tmp_path: Path) -> None:
    assert cli._out_beside(tmp_path / "episodes") == tmp_path / "out"  # noqa: SLF001  (a rule people rely on)
    assert cli._out_beside(tmp_path / "节目") == tmp_path / "节目" / "out"  # noqa: SLF001  (the same)


def test_the_table_fits_a_console_of_120_columns_whatever_the_title() -> None:
    figures = ("179:59", "-32.4 → -16.0", "21.3 → 10.2", "-1.4 dBTP", "12.3 dB", "123.4 秒", "3.2 倍", "2026-11-30 08:00")
    lines = telling.outcome_table([("99", "好" * 24, *figures)]).split("\n")
    assert max(len(line.encode("gbk")) for line in lines) <= 120  # a Chinese console: what takes two bytes is two columns wide
    assert "".join(re.findall("好+", "".join(lines))) == "好" * 24


def test_a_build_ends_in_a_table_and_the_next_step(workspace: Path, tmp_path: Path) -> None:
    shutil.rmtree(workspace / "02-laojie")
    ended = _jixiang("build", "1", "-C", workspace, "--now", "2026-11-01", encoding="gbk")
    assert ended.returncode == 0, ended.stderr
    assert "慢慢看" in ended.stdout
    assert "响度 LUFS" in ended.stdout
    assert re.search(r"-\d\d\.\d → -1[56]\.\d +\d+\.\d → \d+\.\d +-\d\.\d dBTP +\d+\.\d dB +\d\.\d 秒", ended.stdout)
    assert f"声音前后对比 {tmp_path / 'out' / 'report'}" in ended.stdout
    assert "下一步" in ended.stdout
    assert "√ 第 1 期 声音" in ended.stderr
    again = _jixiang("build", "1", "-C", workspace, "--now", "2026-11-01", "--json")
    result = json.loads(again.stdout)
    assert result["episodes"][0]["sound"]["after"]["integrated_lufs"] == pytest.approx(-16, abs=0.5)
    assert (tmp_path / "out" / "site" / result["episodes"][0]["sound"]["file"]).is_file()
    assert result["episodes"][0]["captions"]["method"] == ("phones" if available() else "pauses")


# Proofs


def _sheet(folder: Path, *, module_px: int = 8) -> Path:
    """Save a sheet with a code for https://jixiang.example/6/ in its corner."""
    code = np.kron(np.pad(np.array(qr.encode("https://jixiang.example/6/")), 4), np.ones((module_px,) * 2))
    sheet = Image.new("L", (1080, 1440), 255)
    sheet.paste(Image.fromarray((255 - 225 * code).astype(np.uint8)), (700, 1000))
    sheet.save(folder / "样张.png")
    return folder / "样张.png"


def test_a_proof_tells_what_the_code_holds_and_bears(tmp_path: Path) -> None:
    ended = _jixiang("proof", _sheet(tmp_path), "https://jixiang.example/6/", encoding="gbk")
    assert ended.returncode == 0, ended.stderr
    for said in ("码里写的  https://jixiang.example/6/", "zxing、zbar", "像素", "四周留白  4 格", "√ 这个码扫得开"):
        assert said in ended.stdout
    assert re.search(r"占满手机画面时的 [234](\.\d+)? 倍", ended.stdout)


def test_a_proof_that_is_not_fit_ends_with_what_to_mend(tmp_path: Path) -> None:
    ended = _jixiang("proof", _sheet(tmp_path, module_px=4))
    assert ended.returncode == 1
    assert "每格大小  4 像素，至少要 5" in ended.stdout
    assert "[JX-D45]" in ended.stderr
    assert "扫得开" not in ended.stdout


def test_a_proof_without_an_address_may_hold_anything_and_with_one_only_that(tmp_path: Path) -> None:
    sheet = _sheet(tmp_path)
    assert _jixiang("proof", sheet).returncode == 0
    other = _jixiang("proof", sheet, "https://jixiang.example/7/")
    assert other.returncode == 1
    assert "[JX-D40]" in other.stderr


def test_a_proof_in_json_holds_all_that_was_measured(tmp_path: Path) -> None:
    ended = _jixiang("proof", _sheet(tmp_path, module_px=4), "--json")
    assert ended.returncode == 1
    told = json.loads(ended.stdout)
    assert [problem["code"] for problem in told["problems"]] == ["JX-D45"]
    (code,) = told["codes"]
    assert code["text"] == "https://jixiang.example/6/"
    assert {key: code[key] for key in ("page", "beside", "quiet_zone_modules", "inverted")} == {
        "page": 1,
        "beside": [],
        "quiet_zone_modules": 4,
        "inverted": False,
    }
    assert code["module_px"] == pytest.approx(4, abs=0.1)
    assert code["contrast"] == pytest.approx(16.9, abs=0.5)
    assert 1 <= code["reach"] < 2
    assert 0 < code["decodings"] < code["trials"]
    assert code["problems"] == told["problems"]


def test_a_proof_of_what_is_no_picture_is_told_as_place_cause_and_fix(tmp_path: Path) -> None:
    ended = _jixiang("proof", tmp_path / "没有.png", "--json")
    assert ended.returncode == 1
    assert [problem["code"] for problem in json.loads(ended.stdout)["problems"]] == ["JX-D46"]
    assert "怎么改：请" in ended.stderr
    assert "Traceback" not in ended.stderr
