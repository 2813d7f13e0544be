# syntax=docker/dockerfile:1
# One image for every process of seezar: worker, web, api. The command says which.

FROM python:3.12-slim-trixie AS build
ENV UV_COMPILE_BYTECODE=1 UV_LINK_MODE=copy UV_PYTHON_DOWNLOADS=never UV_NO_PROGRESS=1
RUN pip install --no-cache-dir --disable-pip-version-check uv==0.13.9
WORKDIR /app
# The dependencies change seldom: a layer of their own keeps rebuilds short.
COPY pyproject.toml uv.lock README.md LICENSE ./
RUN --mount=type=cache,target=/root/.cache/uv \
    uv sync --frozen --no-default-groups --no-install-project
COPY . .
RUN --mount=type=cache,target=/root/.cache/uv \
    uv sync --frozen --no-default-groups \
 && .venv/bin/python -m compileall -q agents evals benchmarks playground seezar service tools workflows

FROM python:3.12-slim-trixie
# Distribution packages follow the security updates of the base image: a pinned version would stop being there.
# hadolint ignore=DL3008
RUN apt-get update \
 && apt-get install -y --no-install-recommends chromium fonts-dejavu-core fonts-noto-cjk socat \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --uid 10001 --create-home --shell /usr/sbin/nologin seezar \
 && install -d -m 0700 -o seezar -g seezar /var/lib/seezar
COPY --from=build /app /app
ENV PATH=/app/.venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    SEEZAR_HOME=/var/lib/seezar \
    SEEZAR_CHROMIUM=/usr/bin/chromium
WORKDIR /app
USER 10001
VOLUME /var/lib/seezar
ENTRYPOINT ["seezar"]
CMD ["--help"]
