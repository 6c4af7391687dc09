import { expect } from 'chai';
import { filesOfWorlds, IN_PROCESSES } from '../actors/runtime/worlds.js';

describe('the tests of several worlds', () => {
  it('are in the files that npm run test:slow runs in processes, which all exist', () => {
    const files = filesOfWorlds();
    expect(files).to.include.members(Object.values(IN_PROCESSES).flat());
    // What is not listed runs there with WORLDS=all.
    expect(files).to.include('actors/runtime/runtime');
  });
});
