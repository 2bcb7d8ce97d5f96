# SPDX-License-Identifier: Apache-2.0
"""ABNF (RFC 5234, RFC 7405): rules read from their text, strings drawn from them, and recognised.

A recogniser is a finite automaton, so no rule may contain itself. It tells at which octet a string
can no longer become what the rule says.
"""

import re

TOKEN = re.compile(
    rb'\s*(?:(%s)?"([^"]*)"|%x([0-9A-F]+)(?:-([0-9A-F]+))?|([A-Za-z][A-Za-z0-9-]*)|(\d*\*\d*|\d+)'
    rb"|([\[\]()/]))"
)


class Grammar:
    def __init__(self, text):
        self.rules = {}
        for line in text.splitlines():
            # A semicolon in quotes begins no comment.
            line = re.sub(rb'^((?:[^";]|"[^"]*")*);.*', rb"\1", line)
            if line.strip():
                name, definition = line.split(b"=", 1)
                self.rules[name.strip().lower().decode()] = _Reader(definition).alternation()
        self._automata = {}

    def recogniser(self, name):
        if name not in self._automata:
            self._automata[name] = Automaton(self, name)
        return self._automata[name]

    def draw(self, name, rng, most=4):
        """A string of the rule; repetitions that have no end go on for up to `most` times."""
        out = bytearray()
        self._draw(("rule", name.lower()), rng, most, out)
        return bytes(out)

    def _draw(self, node, rng, most, out):
        kind = node[0]
        if kind == "octets":
            out.append(rng.choice(node[1]))
        elif kind == "rule":
            self._draw(self.rules[node[1]], rng, most, out)
        elif kind == "all":
            for part in node[1]:
                self._draw(part, rng, most, out)
        elif kind == "any":
            self._draw(rng.choice(node[1]), rng, most, out)
        else:
            _, least, limit, part = node
            limit = max(least, most) if limit is None else limit
            for _ in range(rng.randint(least, limit)):
                self._draw(part, rng, most, out)


class _Reader:
    def __init__(self, text):
        self.tokens = []
        at = 0
        text = text.strip()
        while at < len(text):
            found = TOKEN.match(text, at)
            if not found:
                raise ValueError(text[at:])
            self.tokens.append(found.groups())
            at = found.end()

    def _is(self, mark):
        return bool(self.tokens) and self.tokens[0][6] == mark

    def alternation(self):
        options = [self._sequence()]
        while self._is(b"/"):
            self.tokens.pop(0)
            options.append(self._sequence())
        return options[0] if len(options) == 1 else ("any", options)

    def _sequence(self):
        parts = []
        while self.tokens and not any(map(self._is, (b"/", b")", b"]"))):
            parts.append(self._repetition())
        return ("all", parts)

    def _repetition(self):
        count = self.tokens[0][5]
        if count is None:
            return self._element()
        self.tokens.pop(0)
        least, star, most = count.partition(b"*")
        if not star:
            return ("repeat", int(count), int(count), self._element())
        return ("repeat", int(least or 0), int(most) if most else None, self._element())

    def _element(self):
        exact, literal, first, last, name, _, mark = self.tokens.pop(0)
        if literal is not None:
            return ("all", [("octets", [octet] if exact else sorted({*bytes([octet]).lower(),
                                                                     *bytes([octet]).upper()}))
                            for octet in literal])
        if first is not None:
            return ("octets", list(range(int(first, 16), int(last or first, 16) + 1)))
        if name is not None:
            return ("rule", name.lower().decode())
        inner = self.alternation()
        self.tokens.pop(0)
        return ("repeat", 0, 1, inner) if mark == b"[" else inner


class Automaton:
    """Thompson's construction; the deterministic states are made when they are met."""

    def __init__(self, grammar, name):
        self._grammar = grammar
        self._silent, self._edges = [], []
        start = self._state()
        self._end = self._build(("rule", name.lower()), start)
        self._numbers, self._sets = {}, []
        self.next = []  # of each state: by octet, the next one, or None when there is none
        self.accepts = []
        self.start = self._number(frozenset(self._closure([start])))

    def _state(self):
        self._silent.append([])
        self._edges.append(None)
        return len(self._silent) - 1

    def _build(self, node, at):
        kind = node[0]
        if kind == "octets":
            end = self._state()
            self._edges[at] = (frozenset(node[1]), end)
            return end
        if kind == "rule":
            return self._build(self._grammar.rules[node[1]], at)
        if kind == "all":
            for part in node[1]:
                at = self._build(part, at)
            return at
        if kind == "any":
            end = self._state()
            for option in node[1]:
                begin = self._state()
                self._silent[at].append(begin)
                self._silent[self._build(option, begin)].append(end)
            return end
        _, least, most, part = node
        for _ in range(least):
            at = self._build(part, at)
        if most is None:
            turn, end = self._state(), self._state()
            self._silent[at] += [turn, end]
            body = self._state()
            self._silent[turn].append(body)
            self._silent[self._build(part, body)] += [turn, end]
            return end
        end = self._state()
        for _ in range(most - least):
            self._silent[at].append(end)
            begin = self._state()
            self._silent[at].append(begin)
            at = self._build(part, begin)
        self._silent[at].append(end)
        return end

    def _closure(self, states):
        found, left = set(states), list(states)
        while left:
            for state in self._silent[left.pop()]:
                if state not in found:
                    found.add(state)
                    left.append(state)
        return found

    def _number(self, states):
        if states not in self._numbers:
            self._numbers[states] = len(self._sets)
            self._sets.append(states)
            self.next.append({})
            self.accepts.append(self._end in states)
        return self._numbers[states]

    def step(self, state, octet):
        known = self.next[state]
        if octet not in known:
            after = [edge[1] for edge in map(self._edges.__getitem__, self._sets[state])
                     if edge and octet in edge[0]]
            known[octet] = self._number(frozenset(self._closure(after))) if after else None
        return known[octet]

    def holds(self, octets):
        state = self.start
        for octet in octets:
            state = self.step(state, octet)
            if state is None:
                return False
        return self.accepts[state]

    def longest(self, octets, at=0):
        """Up to where the octets can still become a string of the rule, and whether they are one."""
        state = self.start
        following, step = self.next, self.step
        for index in range(at, len(octets)):
            octet = octets[index]
            known = following[state]
            after = known[octet] if octet in known else step(state, octet)
            if after is None:
                return index, False
            state = after
        return len(octets), self.accepts[state]

    def first(self, octets, at=0):
        """Where the first string of the rule ends, or None; and where it was clear that there is
        none, or None."""
        state = self.start
        for index in range(at, len(octets)):
            octet = octets[index]
            known = self.next[state]
            state = known[octet] if octet in known else self.step(state, octet)
            if state is None:
                return None, index
            if self.accepts[state]:
                return index + 1, None
        return None, None
