"""What the peers load: the feeds that hold nine rows of ten and more, as typed columns, a key and what makes a row bad."""

import hashlib
import pathlib
import shutil
import threading

SALES = {
    "folder": "sales",
    "columns": {
        "门店": "text", "日期": "date", "单品编码": "text", "单品名称": "text", "大类": "text", "渠道": "text",
        "数量": "exact", "单价": "exact", "小票行数": "count", "折扣行数": "count",
    },
    "key": ["门店", "单品编码", "日期", "渠道"],
    "required": ["门店", "日期", "单品编码", "数量", "单价", "小票行数"],
    "positive": ["数量", "单价"],
    "day": "日期",
}
POS = {
    "folder": "pos",
    "columns": {
        "门店": "text", "流水号": "text", "行号": "text", "时间": "minute", "单品编码": "text", "单品名称": "text", "大类": "text",
        "渠道": "text", "会员等级": "text", "支付方式": "text", "促销": "text", "数量": "exact", "单价": "exact",
    },
    "key": ["门店", "单品编码", "时间", "流水号", "行号"],
    "required": ["门店", "时间", "单品编码", "数量", "单价"],
    "positive": ["数量", "单价"],
    "day": "时间",
}
STOCK = {
    "folder": "stock",
    "columns": {
        "地点": "text", "日期": "date", "单品编码": "text", "入库(公斤)": "exact", "调拨(公斤)": "exact", "报损(公斤)": "exact",
        "结存(公斤)": "exact", "售罄时点": "count",
    },
    "key": ["地点", "日期", "单品编码"],
    "required": ["地点", "日期", "单品编码"],
    "positive": [],
    "day": "日期",
}
FEEDS = [SALES, POS, STOCK]


def files(project):
    """Every file of every feed, in order."""
    for feed in FEEDS:
        for path in sorted((pathlib.Path(project) / "inbox" / feed["folder"]).glob("*.csv")):
            yield feed, path


def in_gbk(path):
    """Whether the header is no UTF-8."""
    with open(path, "rb") as file:
        try:
            file.readline().decode("utf-8-sig")
            return False
        except UnicodeDecodeError:
            return True


def keep(project, kept):
    """Hashes and copies every file on a thread of its own, beside the load; join it."""
    kept = pathlib.Path(kept)
    kept.mkdir(parents=True, exist_ok=True)

    def work():
        for _, path in files(project):
            with open(path, "rb") as file:
                name = hashlib.file_digest(file, "sha256").hexdigest()
            shutil.copyfile(path, kept / name)

    thread = threading.Thread(target=work)
    thread.start()
    return thread
