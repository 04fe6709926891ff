"""The man pages say what the programs say of themselves."""
import os
import re
import subprocess

import pytest

from harness import REPOSITORY, built

PAGES = {page.stem: page for page in REPOSITORY.glob("*/postern-*.[18]")}


@pytest.mark.parametrize("program", sorted(PAGES))
def test_every_setting_has_a_row_in_its_page(program):
    said = subprocess.run([built(program), "--settings"], check=True, capture_output=True, text=True,
                          env={**os.environ, "POSTERN_SETTINGS": "/nonexistent"}).stdout
    names = [line.split("\t")[0] for line in said.splitlines()]
    rows = "\n".join(re.findall(r"^\.It (?:Cm|Sy) .*", PAGES[program].read_text(), re.MULTILINE))
    assert [name for name in names if not re.search(rf"\b{name}\b", rows)] == []
