/**
 * Views: lazy readers of messages. Code of `millrace gen --views` extends and calls them. A view checks its bytes once, when it is opened, and reads a
 * field when it is asked for it. It must never copy what nobody asks for, nor read outside its bytes.
 */
export { checkUtf8 } from './check-utf8.js';
export { MapView } from './map-view.js';
export { bytesIn, checkMessage, emptyView, MessageView, openView, type ViewClass, viewIn } from './message-view.js';
export { RepeatedView } from './repeated-view.js';
export { afterBytes, afterValue, afterVarint, keyAt } from './steps.js';
