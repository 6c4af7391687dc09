import { connect, type Socket } from 'node:net';

/**
 * Opens connections to an address without end, as many in a second as it is told, and keeps them open until the other end closes them:
 * `PLACE RATE BYTES`, where PLACE is `{ path }` or `{ host, port, localAddress? }` in JSON. It says `flooding` when the first thousand is open.
 */
const [place = '{}', rate = '0', bytes = ''] = process.argv.slice(2);
const target = JSON.parse(place) as { path: string } | { host: string; port: number };
const beganMs = performance.now();
/** Most sockets that this process holds. */
const MOST_OPEN = 8_000;
/** Connections that are opened in one turn. */
const BURST = 200;
const open = new Set<Socket>();
let opened = 0;
let connected = 0;

setInterval(() => {
  const due = ((performance.now() - beganMs) / 1000) * Number(rate);
  for (let burst = 0; burst < BURST && opened < due && open.size < MOST_OPEN; burst += 1) {
    opened += 1;
    const socket = connect(target);
    open.add(socket);
    socket
      .on('error', () => {})
      .on('close', () => open.delete(socket))
      .on('connect', () => {
        connected += 1;
        if (bytes !== '') socket.write(bytes);
        if (connected === 1_000) process.send?.('flooding');
      })
      .resume();
  }
}, 2);
process.on('disconnect', () => process.exit());
