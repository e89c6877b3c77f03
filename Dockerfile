# One image for web, worker and release; the command says which.
FROM python:3.11-slim

ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1

WORKDIR /relay
COPY requirements.txt ./
RUN pip install --require-hashes --only-binary :all: -r requirements.txt

COPY relay ./relay
COPY wsgi.py gunicorn.conf.py ./
# Compiled once here, because the file system is read-only where it runs.
RUN python -m compileall -q relay wsgi.py && useradd --uid 10001 --no-create-home --shell /usr/sbin/nologin relay

USER 10001
EXPOSE 8000
CMD ["gunicorn", "wsgi:app"]
