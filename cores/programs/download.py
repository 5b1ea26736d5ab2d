"""pycurl handles whose callbacks lead back to them, with the gc off. Python 3.11 with pycurl."""

import gc
import os

import pycurl

import collected

RINGS = {}


class Download:
    def __init__(self, url):
        self.parts = []
        self.curl = curl = pycurl.Curl()
        curl.setopt(curl.URL, url)
        curl.setopt(curl.WRITEFUNCTION, self.write)
        curl.setopt(curl.HEADERFUNCTION, self.header)
        curl.setopt(curl.DEBUGFUNCTION, lambda kind, text: self.parts)
        curl.setopt(curl.NOPROGRESS, False)
        curl.setopt(curl.XFERINFOFUNCTION, self.progress)
        curl.download = self

    def write(self, data):
        self.parts.append(data)

    def header(self, line):
        self.parts.append(line)

    def progress(self, *numbers):
        return 0


def note(name, *objects):
    RINGS[name] = {"addresses": ["%#x" % id(one) for one in objects], "state": "unreachable",
                   "finalizer": None}


def one(url):
    download = Download(url)
    download.curl.perform()
    note("done", download, download.curl)
    download = Download(url)
    note("never started", download, download.curl)


def several(url):
    multi = pycurl.CurlMulti()
    downloads = [Download(url) for _ in range(3)]
    for download in downloads:
        download.multi = multi
        multi.add_handle(download.curl)
    while multi.perform()[1]:
        pass
    multi.remove_handle(downloads[0].curl)
    note("several", downloads[0], downloads[0].curl)
    note("several, not taken out", downloads[1])


def shared(url):
    share = pycurl.CurlShare()
    share.setopt(pycurl.SH_SHARE, pycurl.LOCK_DATA_COOKIE)
    download = Download(url)
    download.curl.setopt(pycurl.SHARE, share)
    share.download = download
    note("shared", download, download.curl, share)


gc.disable()
URL = "file://" + os.path.abspath(__file__)
one(URL)
several(URL)
shared(URL)
collected.die({"rings": RINGS})
