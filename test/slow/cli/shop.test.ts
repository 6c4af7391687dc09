/** Runs examples/shop as its README says, in processes: one is killed, and the checker of the example counts every request. */
import { expect } from 'chai';
import { resolve } from 'node:path';
import { Folder } from '../../cli/millrace.js';
import { commandsOfRun } from '../../cli/runs.js';

describe('examples/shop in processes', function () {
  this.timeout(300_000);

  it('loses no request when the process of a container is killed and a version is deployed in the burst', async () => {
    const folder = new Folder();
    try {
      const words = ['up', resolve('examples/shop'), '--limit', '5', '--no-prefix', '--', '--seconds', '6'];
      const { code, stdout, stderr } = await folder.run(words, { XDG_RUNTIME_DIR: folder.path });
      expect(code, stderr).to.equal(0);
      expect(stdout).to.match(/s: version 2 of payment\n/);
      expect(stdout).to.match(/s: kill -9 \d+\n/);
      expect(stdout).to.match(/ 0 lost, 0 handled twice\n/);
      expect(stdout).to.match(/receipts: \d+ of version 1, \d+ of version 2\n/);
      expect(folder.read('out/shop.svg')).to.match(/^<svg .*kill -9.*<\/svg>\n$/s);
      expect(commandsOfRun(folder.path)).to.deep.equal([]);
    } finally {
      await folder.remove();
    }
  });
});
