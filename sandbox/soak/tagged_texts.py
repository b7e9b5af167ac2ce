"""
The texts of a soak: every sentence carries a tag by which it is found again.

    [c3-17]      consumer 3's text 17        [n3-5]    a note among agents
    [c3-18.2]    a long text's sentence 2    [f2-1]    said on another channel
    [a3-5]       an agent's answer
"""

import random
import re

TAG = re.compile(r"\[([acfn]\d+-\d+(?:\.\d+)?)\]")
CONSUMER, AGENT, NOTE, FOREIGN = "c", "a", "n", "f"

PHRASES = (
    "Where is my order? 📦",
    "Schöne Grüße aus München 🥨",
    "你好,我的订单在哪里?",
    "مرحبا، متى يصل الطلب؟",
    "Family 👩‍👩‍👧‍👦, flag 🏳️‍🌈, né with a combining acute: né",
    'नमस्ते 🙏 "quotes" & <tags> \\ stay',
    "two\nlines\tand a tab",
    "🎉🎉🎉",
    "ok",
)
LONG_SENTENCES = (40, 110)


def short(tag: str, rng: random.Random) -> str:
    """Return one sentence."""
    return f"[{tag}] {rng.choice(PHRASES)}"


def long(tag: str, rng: random.Random) -> str:
    """
    Return a text that LivePerson takes in several parts only.

    It ends with a tag, so that the last part has one, however short it is.
    """
    count = rng.randint(*LONG_SENTENCES)
    sentences = [f"[{tag}.{n}] {rng.choice(PHRASES)} {rng.choice(PHRASES)}" for n in range(count)]
    return " ".join([*sentences, f"[{tag}.{count}]"])


def tags(text: str) -> list[str]:
    """List the tags in a text, in order."""
    return TAG.findall(text)


def speaker(tag: str) -> str:
    """Return who said it: CONSUMER, AGENT, NOTE or FOREIGN."""
    return tag[0]


def number(tag: str) -> int:
    """Return the number of the consumer in whose conversation it was said."""
    return int(tag[1:].partition("-")[0])
