# SPDX-License-Identifier: Apache-2.0
"""What a page of the documentation is made of: blocks, headings and links.

A ```sh block holds commands, and is run. A block of an output's kind right behind it holds what they
print. Blocks of the other kinds that are listed here are shown and not run.
"""
import dataclasses
import os
import pathlib
import re
import subprocess

HOUSE = pathlib.Path(__file__).resolve().parents[2]
COMMANDS = "sh"
OUTPUTS = ("json", "text", "event-stream")
SHOWN = ("text", "nginx", "sql")
FENCE = re.compile(r"\s*(```+|~~~+)(.*)")
# What a reader would paste into a shell.
COMMAND = re.compile(r"\s*(\$ |\./onramp |curl )")


@dataclasses.dataclass
class Block:
    line: int
    kind: str
    text: str
    output: "Block | None" = None


class Page:
    """A page by its name, or a text that stands for one."""

    def __init__(self, name, text=None):
        self.name = str(name)
        self.blocks, self.prose, self.faults = [], "", []
        self._read((HOUSE / name).read_text() if text is None else text)
        self._judge()

    def _read(self, text):
        fence, last = None, None
        for number, line in enumerate(text.splitlines(), 1):
            mark = FENCE.fullmatch(line)
            if fence is None and mark:
                if line[0].isspace():
                    self.faults.append(f"line {number}: a block is indented")
                fence = mark[1]
                self.blocks.append(Block(number, mark[2].strip(), ""))
                if last is not None and self.blocks[-1].kind in OUTPUTS:
                    last.output = self.blocks[-1]
            elif fence is None:
                self.prose += line + "\n"
                last = None if line.strip() else last
            elif mark and mark[1] == fence and not mark[2]:
                fence = None
                last = self.blocks[-1] if self.blocks[-1].kind == COMMANDS else None
            else:
                self.blocks[-1].text += line + "\n"
        if fence is not None:
            self.faults.append(f"line {self.blocks[-1].line}: the block has no end")

    def _judge(self):
        checked = [block.output for block in self.blocks if block.output]
        for block in self.blocks:
            if block.kind == COMMANDS or any(block is output for output in checked):
                continue
            if block.kind not in SHOWN:
                self.faults.append(f"line {block.line}: nothing runs or checks a block of kind"
                                   f" '{block.kind}'")
            elif any(COMMAND.match(line) for line in block.text.splitlines()):
                self.faults.append(f"line {block.line}: commands in a block that is not run")

    def commands(self):
        return [block for block in self.blocks if block.kind == COMMANDS]

    def anchors(self):
        """The anchors that a forge makes of the headings."""
        found = {}
        for heading in re.findall(r"^#{1,6} +(.*?) *$", self.prose, re.M):
            slug = re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
            found[slug] = found.get(slug, -1) + 1
            if found[slug]:
                found[f"{slug}-{found[slug]}"] = 0
        return set(found)

    def links(self):
        """[(path, anchor)] of the links that stay in this repository; paths from its top."""
        found = []
        for target in re.findall(r"\]\(([^)\s]+)\)", re.sub(r"`[^`]*`", "", self.prose)):
            if re.match(r"[a-z]+:", target):
                continue
            path, _, anchor = target.partition("#")
            folder = os.path.dirname(self.name)
            found.append((os.path.normpath(os.path.join(folder, path)) if path else self.name,
                          anchor))
        return found


def tracked(*patterns):
    """The files that git knows or would take."""
    listed = subprocess.run(
        ["git", "-C", HOUSE, "-c", "safe.directory=*", "ls-files", "-z", "--cached", "--others",
         "--exclude-standard", "--", *patterns], capture_output=True, check=True).stdout
    return sorted({name for name in listed.decode().split("\0")
                   if name and (HOUSE / name).exists()})


def pages():
    return [Page(name) for name in tracked("*.md")]
