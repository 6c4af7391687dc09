import { type MemoryStoreContent as Content, MemoryStore, MemoryStoreContent } from '#src/cluster-store/index.js';
import { describeStore } from './compliance.js';

describe('MemoryStore', () => {
  let content: Content;
  beforeEach(() => {
    content = new MemoryStoreContent();
  });

  describeStore('as every ClusterStore', {
    open: (scheduler) => Promise.resolve(new MemoryStore(content, scheduler)),
  });
});
