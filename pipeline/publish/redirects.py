"""What the old address must answer after a move: everything leads to the same path at the new one, for ever."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from lxml import etree

from pipeline.model import Files


def redirect_rules(old_site: str, new_site: str) -> Files:
    """Return the rules for nginx and for a bucket of Alibaba OSS, in a folder named for the old host.

    Both addresses end in ``/``. The query stays, because it tells the place where a poster hangs. Source: nginx,
    ngx_http_rewrite_module; OSS, PutBucketWebsite.
    """
    old = urlsplit(old_site)
    folder = re.sub(r"[^a-z0-9.-]+", "-", f"{old.netloc}{old.path}".rstrip("/"))
    return {f"{folder}/nginx.conf": _nginx(old_site, new_site).encode(), f"{folder}/oss-website.xml": _oss(old_site, new_site)}


def _nginx(old_site: str, new_site: str) -> str:
    old, new = urlsplit(old_site), urlsplit(new_site)
    return (
        f"# 放进 {old.hostname} 原来的 server 块里，原来的 location 都可以去掉。印出去的二维码都靠它，要一直留着。\n"
        f"location {old.path} {{\n"
        f'    rewrite "^{re.escape(old.path)}(.*)$" "{new.scheme}://{new.netloc}{new.path}$1" permanent;\n'
        "}\n"
    )


def _oss(old_site: str, new_site: str) -> bytes:
    old, new = urlsplit(old_site), urlsplit(new_site)
    website = etree.Element("WebsiteConfiguration")
    rule = etree.SubElement(etree.SubElement(website, "RoutingRules"), "RoutingRule")
    etree.SubElement(rule, "RuleNumber").text = "1"
    etree.SubElement(etree.SubElement(rule, "Condition"), "KeyPrefixEquals").text = old.path.lstrip("/")
    redirect = etree.SubElement(rule, "Redirect")
    facts = {
        "RedirectType": "External",
        "Protocol": new.scheme,
        "HostName": new.netloc,
        "ReplaceKeyPrefixWith": new.path.lstrip("/"),
        "PassQueryString": "true",
        "HttpRedirectCode": "301",
    }
    for name, text in facts.items():
        etree.SubElement(redirect, name).text = text
    return etree.tostring(website, xml_declaration=True, encoding="UTF-8", pretty_print=True)
