import { deployUnderLoad } from '../../actors/component/deployments.js';
import { closeAfterEach, describePlacements } from '../../actors/runtime/harness.js';

describePlacements({ title: '200 deployments under load', everywhere: true }, (newCluster) => {
  closeAfterEach();

  it('lose no request, and have none handled twice', async function () {
    this.timeout(300_000);
    await deployUnderLoad(newCluster(), 200);
  });
});
