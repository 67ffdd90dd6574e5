import { generateKeyPairSync, randomBytes, sign, type KeyObject } from 'node:crypto';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { createServer } from 'node:tls';

/** A certificate authority that nobody knows, and a certificate for this machine that it signed. */
export interface PrivateCa {
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

export function makePrivateCa(): PrivateCa {
  const authority = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const server = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const issuer = 'AI Bridge test authority';
  const certify = (subject: string, publicKey: KeyObject, extensions: Buffer[]): string =>
    certificate({ issuer, subject, publicKey, extensions, signer: authority.privateKey });
  return {
    ca: certify(issuer, authority.publicKey, [IS_AUTHORITY]),
    cert: certify('localhost', server.publicKey, [IS_THIS_MACHINE]),
    key: String(server.privateKey.export({ type: 'pkcs8', format: 'pem' })),
  };
}

/** TLS in front of a server that has none, on a port of its own. */
export async function startTlsFront(
  { cert, key }: PrivateCa,
  target: string,
): Promise<{ url: string; close(): void }> {
  const sockets = new Set<Socket>();
  const server = createServer({ cert, key }, (near) => {
    const { hostname, port } = new URL(target);
    const far = connect(Number(port), hostname);
    near.pipe(far).pipe(near);
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      one.on('error', () => other.destroy()).on('close', () => other.destroy());
    }
  });
  server.on('connection', (socket: Socket) => sockets.add(socket));
  server.on('tlsClientError', () => undefined).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  return {
    url: `https://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`,
    close() {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

interface Certified {
  readonly issuer: string;
  readonly subject: string;
  readonly publicKey: KeyObject;
  readonly extensions: readonly Buffer[];
  readonly signer: KeyObject;
}

const DAY_MS = 86_400_000;

/** X.509 version 3 (RFC 5280), as far as a TLS client looks; Node reads certificates and makes none. */
function certificate({ issuer, subject, publicKey, extensions, signer }: Certified): string {
  const now = Date.now();
  const contents = der(
    SEQUENCE,
    der(0xa0, der(INTEGER, Buffer.from([2]))),
    der(INTEGER, Buffer.concat([Buffer.from([1]), randomBytes(8)])),
    ECDSA_WITH_SHA256,
    nameOf(issuer),
    der(SEQUENCE, timeOf(now - DAY_MS), timeOf(now + DAY_MS)),
    nameOf(subject),
    publicKey.export({ type: 'spki', format: 'der' }),
    der(0xa3, der(SEQUENCE, ...extensions)),
  );
  const signature = der(BIT_STRING, Buffer.from([0]), sign('sha256', contents, signer));
  const text = der(SEQUENCE, contents, ECDSA_WITH_SHA256, signature).toString('base64');
  return `-----BEGIN CERTIFICATE-----\n${text.match(/.{1,64}/g)?.join('\n')}\n-----END CERTIFICATE-----\n`;
}

const [INTEGER, BIT_STRING, OCTET_STRING, OBJECT_ID] = [0x02, 0x03, 0x04, 0x06];
const [UTF8, UTC_TIME, SEQUENCE, SET] = [0x0c, 0x17, 0x30, 0x31];

/** Tag, length, contents. */
function der(tag: number, ...parts: readonly Buffer[]): Buffer {
  const { length } = Buffer.concat(parts);
  const bytes = length < 256 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  const size = length < 128 ? [length] : bytes;
  return Buffer.concat([Buffer.from([tag, ...size]), ...parts]);
}

function objectId(hex: string): Buffer {
  return der(OBJECT_ID, Buffer.from(hex, 'hex'));
}

function nameOf(commonName: string): Buffer {
  const value = der(UTF8, Buffer.from(commonName));
  return der(SEQUENCE, der(SET, der(SEQUENCE, objectId('550403'), value)));
}

function timeOf(ms: number): Buffer {
  const digits = new Date(ms).toISOString().replaceAll(/\D/g, '').slice(2, 14);
  return der(UTC_TIME, Buffer.from(`${digits}Z`));
}

const ECDSA_WITH_SHA256 = der(SEQUENCE, objectId('2a8648ce3d040302'));
const TRUE = Buffer.from([0x01, 0x01, 0xff]);
/** Basic constraints, critical. */
const IS_AUTHORITY = der(
  SEQUENCE,
  objectId('551d13'),
  TRUE,
  der(OCTET_STRING, der(SEQUENCE, TRUE)),
);
/** Subject alternative names: a DNS name and an address. */
const IS_THIS_MACHINE = der(
  SEQUENCE,
  objectId('551d11'),
  der(
    OCTET_STRING,
    der(SEQUENCE, der(0x82, Buffer.from('localhost')), der(0x87, Buffer.from([127, 0, 0, 1]))),
  ),
);
