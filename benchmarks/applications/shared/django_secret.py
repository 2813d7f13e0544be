# pyright: reportMissingImports=false, reportMissingModuleSource=false
"""The page behind the login, for packages that leave it to their user."""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse


@login_required
def secret(request: HttpRequest) -> HttpResponse:
    """A page that only a signed-in visitor sees."""
    return HttpResponse(f"<title>Reports</title><h1>Reports of {request.user}</h1><p>Only for those signed in.</p>")
