/**
 * Certificates of the lab: a root authority made at start, server certificates signed by it, device
 * and intermediate certificates on request. ECDSA P-256 throughout: a key in a millisecond, and
 * every client in question takes it.
 */
import { X509Certificate, createHash, webcrypto } from 'node:crypto';
import type { TLSSocket } from 'node:tls';
// The library asks for this polyfill to be there first.
import 'reflect-metadata';
import * as x509 from '@peculiar/x509';

export interface PemPair {
  /** The certificate, for device and server certificates of intermediates followed by the chain. */
  readonly certificatePem: string;
  /** PKCS#8. */
  readonly keyPem: string;
}

/** A certificate authority that signs servers, devices and further authorities. */
export interface Authority extends PemPair {
  /** @param names DNS names and IPv4 addresses the server is called by. */
  issueServer(names: readonly string[]): Promise<PemPair>;
  /** @param commonName registration id (DPS) or device id (hub). */
  issueDevice(commonName: string, options?: Validity): Promise<PemPair>;
  issueAuthority(commonName: string): Promise<Authority>;
}

export interface Validity {
  /** Unix milliseconds; default one day ago. */
  readonly notBeforeMs?: number;
  /** Unix milliseconds; default in five years. */
  readonly notAfterMs?: number;
}

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
const DAY_MS = 86_400_000;
const IPV4 = /^\d+(\.\d+){3}$/;

x509.cryptoProvider.set(webcrypto);

interface Signer {
  readonly subject: string;
  readonly key: webcrypto.CryptoKey;
  /** What a leaf must bring along: empty for the root, which the other side knows. */
  readonly chainPem: string;
}

interface Order extends Validity {
  readonly subject: string;
  readonly extensions: readonly x509.Extension[];
  /** Missing = self-signed. */
  readonly signer?: Signer;
}

/** A new root authority. */
export async function createAuthority(commonName: string): Promise<Authority> {
  return authority({ subject: `CN=${commonName}`, extensions: authorityExtensions() });
}

/** An authority made before. */
export async function loadAuthority(pair: PemPair): Promise<Authority> {
  const pkcs8 = x509.PemConverter.decodeFirst(pair.keyPem);
  const key = await webcrypto.subtle.importKey('pkcs8', pkcs8, ALGORITHM, true, ['sign']);
  const { subject, issuer } = new x509.X509Certificate(pair.certificatePem);
  const chainPem = subject === issuer ? '' : pair.certificatePem;
  return signerOf(pair, { subject, key, chainPem });
}

/** A device certificate nobody vouches for: known by its thumbprint only. */
export async function createSelfSigned(
  commonName: string,
  validity: Validity = {},
): Promise<PemPair> {
  const extensions = leafExtensions(x509.ExtendedKeyUsage.clientAuth);
  return (await issue({ subject: `CN=${commonName}`, extensions, ...validity })).pair;
}

/** Thumbprint as Azure shows it: hexadecimal in upper case without colons. */
export function thumbprint(certificatePem: string, hash: 'sha1' | 'sha256' = 'sha1'): string {
  const { raw } = new X509Certificate(certificatePem);
  return createHash(hash).update(raw).digest('hex').toUpperCase();
}

/** The common name of a certificate's subject; undefined when it has none. */
export function commonName(certificate: X509Certificate): string | undefined {
  return /^CN=(.*)$/m.exec(certificate.subject)?.[1];
}

/** What a TLS client showed: its certificate first, then those it was signed by as far as sent. */
export function peerChain(socket: TLSSocket): readonly X509Certificate[] {
  const chain: X509Certificate[] = [];
  // Nothing at all when the connection has ended meanwhile, an empty object without a certificate.
  let link = socket.getPeerCertificate(true) as PeerLink | null | undefined;
  while (link?.raw instanceof Buffer) {
    const certificate = new X509Certificate(link.raw);
    if (chain.some((known) => known.fingerprint256 === certificate.fingerprint256)) break;
    chain.push(certificate);
    link = link.issuerCertificate as PeerLink | undefined;
  }
  return chain;
}

interface PeerLink {
  readonly raw?: unknown;
  readonly issuerCertificate?: unknown;
}

/**
 * Whether the first certificate of the chain was signed, over the ones that follow it, by one of
 * the trusted certificates (a root or an intermediate), all of them within their time.
 */
export function isIssuedBy(
  chain: readonly X509Certificate[],
  trusted: readonly X509Certificate[],
  nowMs: number,
): boolean {
  let certificate = chain[0];
  for (let depth = 1; certificate !== undefined && depth <= chain.length; depth += 1) {
    if (!isTimely(certificate, nowMs)) return false;
    const leaf = certificate;
    if (trusted.some((issuer) => isTimely(issuer, nowMs) && signed(leaf, issuer))) return true;
    const next = chain[depth];
    if (next === undefined || !signed(leaf, next)) return false;
    certificate = next;
  }
  return false;
}

/** Whether a certificate is within its time. */
export function isTimely(certificate: X509Certificate, nowMs: number): boolean {
  return Date.parse(certificate.validFrom) <= nowMs && nowMs <= Date.parse(certificate.validTo);
}

function signed(certificate: X509Certificate, issuer: X509Certificate): boolean {
  return issuer.ca && certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey);
}

async function authority(order: Order): Promise<Authority> {
  const { pair, key } = await issue(order);
  const chainPem = order.signer === undefined ? '' : pair.certificatePem;
  return signerOf(pair, { subject: order.subject, key, chainPem });
}

function signerOf(pair: PemPair, signer: Signer): Authority {
  return {
    ...pair,
    async issueServer(names) {
      const extensions = [
        ...leafExtensions(x509.ExtendedKeyUsage.serverAuth),
        new x509.SubjectAlternativeNameExtension(
          names.map((name) => ({ type: IPV4.test(name) ? 'ip' : 'dns', value: name })),
        ),
      ];
      return (await issue({ subject: `CN=${names[0] ?? 'server'}`, extensions, signer })).pair;
    },
    async issueDevice(commonName, validity = {}) {
      const extensions = leafExtensions(x509.ExtendedKeyUsage.clientAuth);
      return (await issue({ subject: `CN=${commonName}`, extensions, signer, ...validity })).pair;
    },
    issueAuthority: (commonName) =>
      authority({ subject: `CN=${commonName}`, extensions: authorityExtensions(), signer }),
  };
}

function authorityExtensions(): x509.Extension[] {
  return [
    new x509.BasicConstraintsExtension(true, undefined, true),
    new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
  ];
}

function leafExtensions(usage: x509.ExtendedKeyUsage): x509.Extension[] {
  return [
    new x509.BasicConstraintsExtension(false),
    new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
    new x509.ExtendedKeyUsageExtension([usage]),
  ];
}

async function issue(order: Order): Promise<{ pair: PemPair; key: webcrypto.CryptoKey }> {
  const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
  const certificate = await x509.X509CertificateGenerator.create({
    subject: order.subject,
    issuer: order.signer?.subject ?? order.subject,
    notBefore: new Date(order.notBeforeMs ?? Date.now() - DAY_MS),
    notAfter: new Date(order.notAfterMs ?? Date.now() + 5 * 365 * DAY_MS),
    publicKey: keys.publicKey,
    signingKey: order.signer?.key ?? keys.privateKey,
    signingAlgorithm: ALGORITHM,
    extensions: [
      ...order.extensions,
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  const pkcs8 = await webcrypto.subtle.exportKey('pkcs8', keys.privateKey);
  const chainPem = order.signer?.chainPem ?? '';
  return {
    pair: {
      certificatePem: `${certificate.toString('pem')}\n${chainPem}`,
      keyPem: `${x509.PemConverter.encode(pkcs8, 'PRIVATE KEY')}\n`,
    },
    key: keys.privateKey,
  };
}
