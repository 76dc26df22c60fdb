import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { test } from 'node:test';
import {
  commonName,
  createAuthority,
  createSelfSigned,
  isIssuedBy,
  thumbprint,
} from '../../src/certificates.ts';

const read = (pem: string) =>
  pem
    .split(/(?<=-----END CERTIFICATE-----)\s*/)
    .filter((part) => part !== '')
    .map((part) => new X509Certificate(part));

test('a device certificate is known by its authority, over an intermediate too', async () => {
  const root = await createAuthority('root');
  const middle = await root.issueAuthority('middle');
  const direct = read((await root.issueDevice('dev-1')).certificatePem);
  const indirect = read((await middle.issueDevice('dev-2')).certificatePem);
  const trusted = read(root.certificatePem);
  const nowMs = Date.now();
  assert.equal(isIssuedBy(direct, trusted, nowMs), true);
  assert.equal(isIssuedBy(indirect, trusted, nowMs), true);
  assert.equal(isIssuedBy(indirect.slice(0, 1), trusted, nowMs), false, 'the chain is missing');
  assert.equal(isIssuedBy(indirect.slice(0, 1), read(middle.certificatePem), nowMs), true);
  assert.equal(indirect[0] && commonName(indirect[0]), 'dev-2');
});

test('certificates of others, or out of their time, do not count', async () => {
  const [root, other] = await Promise.all([createAuthority('root'), createAuthority('root')]);
  const nowMs = Date.now();
  const old = await root.issueDevice('dev', { notAfterMs: nowMs - 1000 });
  const trusted = read(root.certificatePem);
  const foreign = read((await other.issueDevice('dev')).certificatePem);
  const own = read((await createSelfSigned('dev')).certificatePem);
  assert.equal(isIssuedBy(foreign, trusted, nowMs), false);
  assert.equal(isIssuedBy(own, trusted, nowMs), false);
  assert.equal(isIssuedBy(read(old.certificatePem), trusted, nowMs), false);
  assert.equal(isIssuedBy([], trusted, nowMs), false);
});

test('a server certificate carries its names, a thumbprint is plain hexadecimal', async () => {
  const root = await createAuthority('root');
  const server = await root.issueServer(['localhost', 'hub-a.emu', '127.0.0.1']);
  const [certificate] = read(server.certificatePem);
  assert.equal(certificate?.subjectAltName, 'DNS:localhost, DNS:hub-a.emu, IP Address:127.0.0.1');
  assert.equal(thumbprint(server.certificatePem), certificate?.fingerprint.replaceAll(':', ''));
});
