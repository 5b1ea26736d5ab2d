"""A Django site asked by its own test client, with the gc off: pages from templates, forms,
sessions, views that fail, a database. Python 3.9 to 3.11 with Django 3.2."""

import gc

import django
from django import forms
from django.conf import settings
from django.db import connection, models
from django.http import HttpResponse, StreamingHttpResponse
from django.template import engines
from django.test import Client
from django.urls import path

import collected

settings.configure(
    DEBUG=False, SECRET_KEY="key", ROOT_URLCONF="__main__", ALLOWED_HOSTS=["*"],
    USE_TZ=False, LOGGING_CONFIG=None, DEFAULT_AUTO_FIELD="django.db.models.AutoField",
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
    SESSION_ENGINE="django.contrib.sessions.backends.signed_cookies",
    MIDDLEWARE=["django.contrib.sessions.middleware.SessionMiddleware",
                "django.middleware.common.CommonMiddleware",
                "django.middleware.csrf.CsrfViewMiddleware"],
    TEMPLATES=[{"BACKEND": "django.template.backends.django.DjangoTemplates"}])
django.setup()


class Page(models.Model):
    title = models.CharField(max_length=20)
    parent = models.ForeignKey("self", null=True, blank=True, on_delete=models.CASCADE)

    class Meta:
        app_label = "site"


class PageForm(forms.ModelForm):
    class Meta:
        model = Page
        fields = ["title", "parent"]


TEMPLATE = """{% for page in pages %}{{ page.title|upper }} {{ page.parent }}{% endfor %}
{{ form }}"""


def index(request):
    request.session["count"] = request.session.get("count", 0) + 1
    form = PageForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        form.save()
    template = engines["django"].from_string(TEMPLATE)
    request.form = form
    return HttpResponse(template.render({"pages": Page.objects.select_related(), "form": form,
                                         "request": request}))


def failing(request):
    held = [request]
    held.append(held)
    raise ValueError("failed", held)


def streaming(request):
    def parts():
        request.parts = parts
        yield b"one"
        yield b"two"
    return StreamingHttpResponse(parts())


urlpatterns = [path("", index), path("failing", failing), path("streaming", streaming)]


def main():
    with connection.schema_editor() as editor:
        editor.create_model(Page)
    client = Client(raise_request_exception=False)
    for number in range(20):
        client.post("/", {"title": "page %d" % number, "parent": number or ""})
        client.get("/")
        client.get("/missing")
        client.get("/failing")
        next(iter(client.get("/streaming").streaming_content))
    answer = client.get("/")
    assert answer.status_code == 200 and b"PAGE 1" in answer.content
    del client, answer


gc.disable()
main()
collected.die()
