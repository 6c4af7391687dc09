/** `millrace dashboard`: the page of a running cluster. */
import type { Command } from 'commander';
import { addAttachOptions, type AttachFlags, RUN_ARGUMENT, withCluster } from './attach.js';
import { ExitCode } from './exit-codes.js';
import type { Interrupts } from './interrupts.js';
import { printLine, say } from './output.js';
import { wholeNumber } from './run-options.js';

interface PageFlags extends AttachFlags {
  readonly port: number;
  readonly host?: string;
  readonly token?: string;
  readonly actions?: boolean;
}

const PORT = 7020;

export function addDashboard(command: Command, interrupts: Interrupts): void {
  addAttachOptions(
    command
      .command('dashboard')
      .summary('Serve a page that shows what a running cluster does.')
      .description(
        'Serves a page for browsers of this machine: topology with links and their rates, pipelines, actors, pools and events, live. Nothing is measured ' +
          'while no browser is connected. A signal ends it; the cluster goes on.',
      )
      .argument('[run]', RUN_ARGUMENT),
  )
    .option('--port <n>', 'where the page is served; 0: a free port', wholeNumber(0, 65_535), PORT)
    .option(
      '--host <address>',
      'address to listen at; another one than that of loopback needs a token (default: 127.0.0.1)',
    )
    .option('--token <token>', 'what a browser must show: at least 16 letters and digits')
    .option('--actions', 'who sees the page may stop and restart actors')
    .action(async (run: string | undefined, { controlPlane, ...options }: PageFlags) => {
      const flags = controlPlane === undefined ? {} : { controlPlane };
      process.exitCode = await withCluster(run, flags, async (peers) => {
        // A cluster that does not answer is no reason to serve an empty page.
        await peers.list(PATIENCE_MS);
        const { dashboard } = await import('../dashboard/index.js');
        const page = await dashboard({ peers }, options);
        interrupts.begin(say);
        printLine(page.url);
        await interrupts.happened();
        await page.close();
        interrupts.end();
        return interrupts.first?.exitCode ?? ExitCode.ok;
      });
    });
}

const PATIENCE_MS = 10_000;
