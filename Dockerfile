# The service in a container. Another base, such as a mirror or a slimmer image of your own:
#   docker build --build-arg BASE_IMAGE=images.example.org/python:3.12-slim .
ARG BASE_IMAGE=python:3.11-slim
FROM ${BASE_IMAGE} AS build
# Where the package index is not the public one: --build-arg PIP_INDEX_URL=...
ARG PIP_INDEX_URL
WORKDIR /src
COPY requirements.txt ./
RUN python -m venv /opt/graphrag \
    && /opt/graphrag/bin/pip install --no-cache-dir --disable-pip-version-check --require-hashes -r requirements.txt
COPY pyproject.toml README.md LICENSE ./
COPY graphrag graphrag
COPY agent agent
COPY api api
RUN /opt/graphrag/bin/pip install --no-cache-dir --disable-pip-version-check --no-deps --no-build-isolation .

FROM ${BASE_IMAGE}
RUN useradd --system --uid 10001 --home-dir /data graphrag && install -d -o graphrag -g graphrag /data
COPY --from=build /opt/graphrag /opt/graphrag
ENV PATH=/opt/graphrag/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    GRAPHRAG_HOST=0.0.0.0 \
    GRAPHRAG_PORT=8321 \
    GRAPHRAG_DATA_DIR=/data/uploads \
    GRAPHRAG_STORE_URL=sqlite:////data/graphrag.db
USER graphrag
WORKDIR /data
VOLUME /data
EXPOSE 8321
HEALTHCHECK --interval=10s --timeout=3s --start-period=60s --retries=3 \
    CMD ["python", "-c", "import os, urllib.request; urllib.request.urlopen('http://127.0.0.1:' + os.environ['GRAPHRAG_PORT'] + '/health/ready', timeout=2)"]
# Not through a shell, so that SIGTERM reaches the service.
ENTRYPOINT ["graphrag"]
CMD ["serve"]
