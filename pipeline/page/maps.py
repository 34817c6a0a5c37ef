"""Links that open a stop in the maps people have on their phones."""

from __future__ import annotations

from functools import lru_cache
from urllib.parse import quote

from pipeline.coordinates import locate
from pipeline.model import Link, Stop

_FROM = "jixiang"  # the maps ask who sends people to them
# 腾讯 parts a marker into fields at these signs after decoding it: in a name they would begin another field, even another place.
# Their full-width twins look the same to a reader.
_TENCENT_SEPARATORS = str.maketrans({";": "；", ":": "：", "|": "｜"})


@lru_cache(maxsize=1024)
def map_links(stop: Stop) -> tuple[Link, ...]:
    """Return https links to a stop in 高德, 腾讯, 百度 and 苹果, in the order in which people here use them.

    The maps ask for an address besides the name; the name stands for it, because every page carries these links.
    They open in any browser, WeChat's too, and from there in the app where it is installed. All four take GCJ-02, to six
    decimals: 0.1 m. 高德 wants the longitude first, the others the latitude.
    Source: 高德 URI API, 单点标注; 腾讯位置服务 URI API, 地点标注; 百度地图调起 API, Web 端, 自定义标注; Apple, Map Links.
    """
    point = locate(stop).gcj02
    latitude, longitude = f"{point.latitude_deg:.6f}", f"{point.longitude_deg:.6f}"
    name = _quoted(stop.name)
    title = _quoted(stop.name.translate(_TENCENT_SEPARATORS))
    amap = f"position={longitude},{latitude}&name={name}&src={_FROM}&coordinate=gaode&callnative=1"
    tencent = f"marker=coord:{latitude},{longitude};title:{title};addr:{title}&referer={_FROM}"
    baidu = f"location={latitude},{longitude}&title={name}&content={name}&output=html&coord_type=gcj02&src=webapp.{_FROM}.site"
    return (
        Link(name="高德地图", url=f"https://uri.amap.com/marker?{amap}"),
        Link(name="腾讯地图", url=f"https://apis.map.qq.com/uri/v1/marker?{tencent}"),
        Link(name="百度地图", url=f"https://api.map.baidu.com/marker?{baidu}"),
        Link(name="苹果地图", url=f"https://maps.apple.com/?ll={latitude},{longitude}&q={name}"),
    )


def _quoted(words: str) -> str:
    return quote(words, safe="")
