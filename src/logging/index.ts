/**
 * A small Logger interface, the winston logger that implements it, and loggers for silence and for tests. All rooms above
 * write to a Logger that they are given. Only the code that starts a program creates one. Never a global.
 */
export { closableLogger } from './closable-logger.js';
export { describeFields } from './describe-fields.js';
export { escapeLine, escapeLines } from './escape-controls.js';
export { guardedLogger } from './guarded-logger.js';
export { LOG_LEVELS, type LogFields, type Logger, type LogLevel } from './logger.js';
export { type LogRecord, memoryLogger } from './memory-logger.js';
export { errorText } from './text-format.js';
export { createLogger, type LoggerOptions, type LogStream } from './winston-logger.js';
export { silentLogger, type WriteRecord, writingLogger } from './writing-logger.js';
