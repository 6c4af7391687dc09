import { deployUnderLoad } from '../../actors/component/deployments.js';
import { closeAfterEach, describePlacements } from '../../actors/runtime/harness.js';

/** `ROUNDS=200` looks longer. */
const ROUNDS = Number(process.env['ROUNDS'] ?? 40);

describePlacements({ title: `${ROUNDS} deployments under load`, everywhere: true }, (newCluster) => {
  closeAfterEach();

  it('lose no request, and have none handled twice', async function () {
    this.timeout(60_000 + ROUNDS * 3_000);
    await deployUnderLoad(newCluster(), ROUNDS);
  });
});
