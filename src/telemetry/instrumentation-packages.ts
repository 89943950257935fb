/**
 * Every instrumentation of `@opentelemetry/auto-instrumentations-node` with the packages it patches, so that it can be loaded
 * when the application loads one of them. Deriving this at start would load all of them; a test derives it from the bundle and
 * compares.
 */
export const INSTRUMENTED_PACKAGES: Readonly<Record<string, readonly string[]>> = {
  amqplib: ['amqplib'],
  // The package's name comes from the environment of the function.
  'aws-lambda': [],
  'aws-sdk': [
    '@aws-sdk/middleware-stack',
    '@smithy/middleware-stack',
    '@smithy/core',
    '@aws-sdk/smithy-client',
    '@smithy/smithy-client',
  ],
  bunyan: ['bunyan'],
  'cassandra-driver': ['cassandra-driver'],
  connect: ['connect'],
  cucumber: ['@cucumber/cucumber'],
  dataloader: ['dataloader'],
  dns: ['dns', 'dns/promises'],
  express: ['express'],
  fs: ['fs', 'fs/promises'],
  'generic-pool': ['generic-pool'],
  graphql: ['graphql'],
  grpc: ['@grpc/grpc-js'],
  hapi: ['@hapi/hapi'],
  'host-metrics': [],
  http: ['https', 'http'],
  ioredis: ['ioredis'],
  kafkajs: ['kafkajs'],
  knex: ['knex'],
  koa: ['koa'],
  'lru-memoizer': ['lru-memoizer'],
  memcached: ['memcached'],
  mongodb: ['mongodb'],
  mongoose: ['mongoose'],
  mysql: ['mysql'],
  mysql2: ['mysql2'],
  'nestjs-core': ['@nestjs/core'],
  net: ['net'],
  openai: ['openai'],
  oracledb: ['oracledb'],
  pg: ['pg', 'pg-pool'],
  pino: ['pino'],
  redis: ['redis', '@redis/client', '@node-redis/client'],
  restify: ['restify'],
  router: ['router'],
  'runtime-node': [],
  'socket.io': ['socket.io'],
  tedious: ['tedious'],
  undici: [],
  winston: ['winston'],
};

/** Vitrine's own code observes these packages at less than half the cost; their instrumentations are never loaded. */
export const OWN_WAY: ReadonlySet<string> = new Set(['http', 'runtime-node', 'host-metrics']);

/**
 * Loaded only when OTEL_NODE_ENABLED_INSTRUMENTATIONS names them. `fs` is left out of the bundle's own default too. The
 * others make a span for each middleware, which doubles the cost of a request; our own ties record the routes and errors
 * instead.
 */
export const ON_REQUEST: ReadonlySet<string> = new Set(['fs', 'express', 'koa', 'router', 'connect']);
