/**
 * Shows what one partition does: its actors, mailboxes, links, segments, pools and events, and lets those who may act on its actors. The runtime
 * hosts one such actor in each partition; its first message starts it. It must measure nothing while nobody watches.
 */
export { type IntrospectedPartition, introspection } from './introspection.js';
