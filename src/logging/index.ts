/**
 * A small Logger interface, the winston logger behind it, and loggers for silence and for tests. Every room above may
 * write to a Logger that it was given; only those who start a program make one. Must never be reached as a global.
 */
export { closableLogger } from './closable-logger.js';
export { describeFields } from './describe-fields.js';
export { escapeLine, escapeLines } from './escape-controls.js';
export { LOG_LEVELS, type LogFields, type Logger, type LogLevel } from './logger.js';
export { type LogRecord, memoryLogger } from './memory-logger.js';
export { createLogger, type LoggerOptions, type LogStream } from './winston-logger.js';
export { silentLogger, type WriteRecord, writingLogger } from './writing-logger.js';
