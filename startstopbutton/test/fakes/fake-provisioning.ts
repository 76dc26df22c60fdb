/** Requests for provisioning, in memory. */
import type { Press, Provisioning } from '../../src/ports.ts';

export class FakeProvisioning implements Provisioning {
  readonly requests: Press[] = [];

  async request(press: Press): Promise<'requested'> {
    this.requests.push(press);
    return 'requested';
  }
}
