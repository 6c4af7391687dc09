/**
 * Topics: messages of one type from any process to all subscribers of the cluster. The Runtime opens them; they are groups whose members are
 * the subscribers. Nothing here may keep a message: a subscriber's mailbox does.
 */
export type { MessagesOptions, SubscribeOptions, Topic, TopicHandler, TopicSubscription } from './topic.js';
export { checkTopic, Topics } from './topics.js';
