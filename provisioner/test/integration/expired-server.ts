/** A TLS server whose certificate ran out years ago, made with openssl. */
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { dataFolder, removeFolder } from '@holdfast/lab/servers';

export interface ExpiredServer extends AsyncDisposable {
  readonly port: number;
  readonly caFile: string;
  readonly connections: number;
}

export async function expiredServer(): Promise<ExpiredServer> {
  const dir = dataFolder('expired');
  const [key, cert] = [join(dir, 'key.pem'), join(dir, 'cert.pem')];
  makeCertificate(dir, key, cert);
  let connections = 0;
  const server = createServer({ key: readFileSync(key), cert: readFileSync(cert) });
  server.on('connection', () => (connections += 1)).on('tlsClientError', () => {});
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    caFile: cert,
    get connections() {
      return connections;
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      removeFolder(dir);
    },
  };
}

function makeCertificate(dir: string, key: string, cert: string): void {
  const run = (...args: string[]) => execFileSync('openssl', args, { cwd: dir, stdio: 'pipe' });
  writeFileSync(join(dir, 'index.txt'), '');
  writeFileSync(join(dir, 'serial'), '01\n');
  const lines = [
    ['[ca]', 'default_ca = d'],
    ['[d]', 'database = index.txt', 'serial = serial', 'new_certs_dir = .', 'default_md = sha256'],
    ['policy = p', 'x509_extensions = e', '[p]', 'commonName = supplied'],
    ['[e]', 'subjectAltName = DNS:localhost', 'basicConstraints = CA:TRUE'],
  ];
  writeFileSync(join(dir, 'ca.cnf'), `${lines.flat().join('\n')}\n`);
  run(
    'req',
    '-new',
    '-newkey',
    'rsa:2048',
    '-nodes',
    '-keyout',
    key,
    '-subj',
    '/CN=localhost',
    '-out',
    'csr.pem',
  );
  const dates = ['-startdate', '20200101000000Z', '-enddate', '20200102000000Z'];
  run(
    'ca',
    '-batch',
    '-selfsign',
    '-config',
    'ca.cnf',
    '-keyfile',
    key,
    '-in',
    'csr.pem',
    '-out',
    cert,
    '-notext',
    ...dates,
  );
}
