/**
 * A device process with the unmodified client and nothing but `NODE_EXTRA_CA_CERTS` to trust the lab,
 * to see whether it lives. Argument: a connection string. Exit code 0 = connected, sent and read its
 * twin, 3 = the client reported an error, anything else = the client brought the process down.
 */
import { Message, openClient } from './device-client.ts';

try {
  const client = await openClient(process.argv[2] ?? '');
  await client.sendEvent(new Message('from a process'));
  await client.getTwin();
  process.exit(0);
} catch {
  process.exit(3);
}
