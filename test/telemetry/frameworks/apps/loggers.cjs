/** Every way of writing a line. */
const http = require('node:http');
const winston = require('winston');
const log4js = require('log4js');
const bunyan = require('bunyan');
const pino = require('pino');
log4js.configure({
  appenders: { out: { type: 'stdout' } },
  categories: { default: { appenders: ['out'], level: 'info' } },
});
const by = {
  winston: winston.createLogger({ transports: [new winston.transports.Console({ format: winston.format.simple() })] }),
  json: winston.createLogger({ level: 'warn', transports: [new winston.transports.Console()] }),
  log4js: log4js.getLogger(),
  bunyan: bunyan.createLogger({ name: 'b' }),
  pino: pino({}, process.stdout),
};
const server = http.createServer((_request, response) => {
  by.winston.error('by winston', { order: 7 });
  by.json.info('below the level');
  by.json.warn('by winston json');
  by.log4js.warn('by log4js');
  by.bunyan.info('by bunyan');
  by.pino.info('by pino');
  console.log('by console');
  process.stdout.write('INFO by stdout\n');
  process.stderr.write('by stderr\n');
  process.stdout.write('in two ');
  process.stdout.write('parts\n');
  response.end('ok');
});
module.exports = { serve: (port, ready) => server.listen(port, '127.0.0.1', ready) };
