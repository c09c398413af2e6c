# One image for all parts; docker-compose.yml says which one a container is.
FROM node:22-bookworm-slim AS pages
WORKDIR /src/dashboards/web
COPY dashboards/web/package.json dashboards/web/package-lock.json ./
RUN npm ci --no-audit --no-fund
COPY dashboards/web ./
RUN npm run build

FROM python:3.11-slim-bookworm
RUN apt-get update \
 && apt-get install -y --no-install-recommends mosquitto \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --system --create-home --home-dir /data coldchain
WORKDIR /opt/coldchain
COPY requirements/server.txt requirements/
RUN pip install --no-cache-dir --require-hashes -r requirements/server.txt
COPY . .
COPY --from=pages /src/dashboards/web/dist dashboards/web/dist
RUN pip install --no-cache-dir --no-deps --no-build-isolation .
# Nothing here needs root: the parts share one data directory and one user.
USER coldchain
WORKDIR /data
VOLUME /data
EXPOSE 8000 1883
ENTRYPOINT ["coldchain"]
CMD ["up", "--data", "/data", "--listen", "0.0.0.0:8000", "--mqtt-port", "1883"]
