// See vendored.d.cts.
exports.winston = () => require('./vendor/winston.cjs');
exports.sax = () => require('./vendor/sax.cjs');
