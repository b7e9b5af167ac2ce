"""
What people say in a soak: every sentence carries a tag by which it is found again anywhere.

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


def short(tag: str, dice: random.Random) -> str:
    """Say one thing."""
    return f"[{tag}] {dice.choice(PHRASES)}"


def long(tag: str, dice: random.Random) -> str:
    """
    Tell a story that LivePerson takes in several parts only.

    It ends with a tag, so that even a last part of a few words has one.
    """
    count = dice.randint(*LONG_SENTENCES)
    sentences = [f"[{tag}.{n}] {dice.choice(PHRASES)} {dice.choice(PHRASES)}" for n in range(count)]
    return " ".join([*sentences, f"[{tag}.{count}]"])


def tags(text: str) -> list[str]:
    """List the tags in a text, in order."""
    return TAG.findall(text)


def speaker(tag: str) -> str:
    """Say what kind of person a tag belongs to."""
    return tag[0]


def number(tag: str) -> int:
    """Say which consumer a tag is about."""
    return int(tag[1:].partition("-")[0])
