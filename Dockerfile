# syntax=docker/dockerfile:1

# Alpine's Rust links against musl, statically: the result needs no system around it, and musl's resolver needs no
# files of its own to find an upstream by name.
FROM rust:1.95-alpine AS build
RUN apk add --no-cache build-base ca-certificates-bundle
WORKDIR /build
COPY . .
# The caches outlive the build; the binary must not stay in one.
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/build/target \
    cargo build --release --locked && cp target/release/cofferdam /cofferdam

FROM scratch
LABEL org.opencontainers.image.title="cofferdam" \
      org.opencontainers.image.description="Keeps debug pages, stack traces and secrets of web applications from their visitors" \
      org.opencontainers.image.licenses="Apache-2.0 OR MIT"
# For an upstream that speaks TLS.
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=build /build/LICENSE-APACHE /build/LICENSE-MIT /licenses/
COPY --from=build /cofferdam /cofferdam
# No name for it here: there is no /etc/passwd, and Kubernetes checks runAsNonRoot by number.
USER 65532:65532
# Inside a container the loopback interface is nobody's; who may connect is decided outside.
ENV COFFERDAM_SERVER__LISTEN=0.0.0.0:8080
EXPOSE 8080
# Run it with a read-only root file system. Only bodies that wait behind [shield] are written, to /tmp: mount one there
# (--tmpfs /tmp or a volume) where uploads beyond 4 MiB are expected.
ENTRYPOINT ["/cofferdam"]
CMD ["run"]
