import { MessageChannel, MessagePort } from 'node:worker_threads';

type Post = (this: MessagePort, value: unknown) => void;

/** Counts the messages that this process posts between threads, until `stop`. */
export function countPosts(): { readonly count: () => number; readonly stop: () => void } {
  let count = 0;
  const post = Reflect.get(MessagePort.prototype, 'postMessage') as Post;
  const counting: Post = function (value) {
    count += 1;
    post.call(this, value);
  };
  Reflect.set(MessagePort.prototype, 'postMessage', counting);
  const { port1 } = new MessageChannel();
  port1.postMessage('one');
  port1.close();
  if (count !== 1) throw new Error('what is posted is not counted');
  return { count: () => count, stop: () => void Reflect.set(MessagePort.prototype, 'postMessage', post) };
}
