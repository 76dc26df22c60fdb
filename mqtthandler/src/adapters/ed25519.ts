/** Signatures of commands: Ed25519 (RFC 8032) with Node's own cryptography. */
import { createPublicKey, verify } from 'node:crypto';
import type { KeyObject } from 'node:crypto';

/** SubjectPublicKeyInfo of an Ed25519 key up to the key itself (RFC 8410, section 10.1). */
const SPKI_PREFIX = Buffer.from('302a300506032b6570032100', 'hex');
const RAW_BYTES = 32;

/**
 * Reads a public key: PEM (line ends may be written as `\n`), base64 of PEM, of DER, or of the 32
 * bytes themselves.
 * @throws RangeError for anything else
 */
export function parsePublicKey(text: string): KeyObject {
  const key = keyOf(text);
  if (key?.asymmetricKeyType !== 'ed25519') throw new RangeError('no Ed25519 public key');
  return key;
}

function keyOf(text: string): KeyObject | undefined {
  try {
    const pem = text.replaceAll('\\n', '\n');
    if (pem.includes('-----BEGIN PUBLIC KEY-----')) return createPublicKey(pem);
    const bytes = Buffer.from(text, 'base64');
    if (bytes.includes('-----BEGIN PUBLIC KEY-----')) return createPublicKey(bytes);
    const der = bytes.length === RAW_BYTES ? Buffer.concat([SPKI_PREFIX, bytes]) : bytes;
    return createPublicKey({ key: der, format: 'der', type: 'spki' });
  } catch {
    return undefined;
  }
}

/** Whether a signature fits; false for a signature of any other shape. */
export function verifier(key: KeyObject): (signed: Uint8Array, signature: Uint8Array) => boolean {
  return (signed, signature) => {
    try {
      return verify(null, signed, key, signature);
    } catch {
      return false;
    }
  };
}
