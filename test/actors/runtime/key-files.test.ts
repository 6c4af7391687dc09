import { generateKeyPairSync } from 'node:crypto';
import { chmodSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { Executor, netSettings, Runtime } from '#src/actors/runtime/index.js';
import { ConfigError } from '#src/errors.js';
import { silentLogger } from '#src/logging/index.js';
import { type OptionValues, resolveOptions } from '#src/options/index.js';
import type { LinkSecurity } from '#src/transport/index.js';
import { rejection } from '../../support/rejection.js';
import { type Certificate, certificate, clusterAuthority } from '../../transport/net/certificates.js';

const KEY = 'a key of more than 16 bytes';

describe('the files of keys and certificates', () => {
  let folder: string;
  let authority: Certificate;
  let own: Certificate;
  let other: Certificate;
  before(async () => {
    authority = await clusterAuthority();
    own = await certificate(authority);
    other = await certificate(authority);
  });
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'millrace-keys-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const file = (name: string, content: string | Uint8Array): string => {
    const path = join(folder, name);
    writeFileSync(path, content, { mode: 0o600 });
    return path;
  };
  const settings = (code: Partial<OptionValues>) =>
    netSettings(resolveOptions({ code: { listen: 'unix:', ...code } }).values);
  /** Each error is a ConfigError that names the option, the file and the fault. */
  const isRefused = async (code: Partial<OptionValues>, ...words: readonly string[]): Promise<void> => {
    const error = await rejection(settings(code));
    expect(error).to.be.instanceOf(ConfigError);
    for (const word of words) expect(error).to.have.property('message').that.includes(word);
  };

  it('give the cluster key without the blanks around it', async () => {
    const found = await settings({ clusterKeyFile: file('key', `\ufeff${KEY}\r\n`) });
    expect(found).to.deep.equal({ keyless: 'unix', ucx: 'auto', listen: 'unix:', key: KEY });
  });

  it('refuse a key of bytes that are no text, and say how to make one', async () => {
    const bytes = Uint8Array.from({ length: 32 }, (_, index) => 255 - index);
    for (const key of [bytes, Buffer.from(KEY, 'utf16le'), Buffer.concat([Buffer.from([0x1f, 0x8b]), bytes])]) {
      await isRefused(
        { clusterKeyFile: file('key', key) },
        'clusterKeyFile: ',
        join(folder, 'key'),
        'openssl rand -hex 32',
      );
    }
  });

  it('give certificates, a key and an authority as they are', async () => {
    const chain = `${own.cert}\n${authority.cert}`;
    const files = {
      tlsCertFile: file('cert', chain),
      tlsKeyFile: file('key', own.key),
      tlsCaFile: file('ca', `# ours\n${authority.cert}`),
    };
    const found = await settings(files);
    expect(found?.tls).to.deep.equal({
      cert: chain,
      key: own.key,
      ca: `# ours\n${authority.cert}`,
      files: { ...files, keyFileReaders: 'owner' },
    });
  });

  it('may hold certificate and key in one file', async () => {
    const both = file('both', `${own.cert}\n${own.key}`);
    expect(await settings({ tlsCertFile: both, tlsKeyFile: both })).to.have.property('tls');
  });

  const options = ['clusterKeyFile', 'tlsCertFile', 'tlsKeyFile', 'tlsCaFile'] as const;
  for (const option of options) {
    it(`are refused for ${option} where they are empty, no file, not there, too large or no text`, async () => {
      for (const content of ['', ' \n\t', '\ufeff']) {
        const path = file('empty', content);
        await isRefused({ [option]: path }, option, path, 'is empty');
      }
      for (const device of ['/dev/null', '/dev/zero']) await isRefused({ [option]: device }, option, device, 'regular');
      await isRefused({ [option]: folder }, option, folder, 'it is a folder');
      await isRefused({ [option]: join(folder, 'none') }, option, 'none', 'ENOENT');
      await isRefused({ [option]: file('large', 'x'.repeat(2 ** 20 + 1)) }, option, 'more than the 1048576');
      const utf16 = file('utf16', Buffer.from(`\ufeff${KEY}`, 'utf16le'));
      await isRefused({ [option]: utf16 }, option, utf16, 'UTF-16');
    });
  }

  it('are refused where the cluster key is short', async () => {
    await isRefused({ clusterKeyFile: file('key', '  short  \n') }, 'clusterKeyFile', 'has 5 bytes', 'at least 16');
  });

  it('are refused where one half of a certificate and its key is missing', async () => {
    await isRefused({ tlsCertFile: file('cert', own.cert) }, 'tlsCertFile', 'tlsKeyFile is not');
    await isRefused({ tlsKeyFile: file('key', own.key) }, 'tlsKeyFile', 'tlsCertFile is not');
  });

  it('are refused where they are no PEM of the right kind', async () => {
    const [cert, key, text] = [file('cert', own.cert), file('key', own.key), file('text', 'root:x:0:0')];
    const cut = file('cut', own.cert.replace(/\n[^\n]{20}/, '\n'));
    await isRefused({ tlsCertFile: text, tlsKeyFile: key }, 'tlsCertFile', text, 'no certificate in PEM');
    await isRefused({ tlsCertFile: key, tlsKeyFile: key }, 'tlsCertFile', key, 'no certificate in PEM');
    await isRefused({ tlsCertFile: cut, tlsKeyFile: key }, 'tlsCertFile', cut, 'certificate 1 cannot be read');
    await isRefused({ tlsCertFile: cert, tlsKeyFile: text }, 'tlsKeyFile', text, 'no private key in PEM');
    await isRefused({ tlsCertFile: cert, tlsKeyFile: cert }, 'tlsKeyFile', cert, 'no private key in PEM');
    await isRefused({ tlsCaFile: text }, 'tlsCaFile', text, 'no certificate in PEM');
    await isRefused({ tlsCaFile: key }, 'tlsCaFile', key, 'no certificate in PEM');
  });

  it('are refused where the key belongs to another certificate, or is encrypted', async () => {
    const cert = file('cert', own.cert);
    const wrong = file('wrong', other.key);
    await isRefused(
      { tlsCertFile: cert, tlsKeyFile: wrong },
      'tlsKeyFile',
      wrong,
      'tlsCertFile',
      'not the private key',
    );
    for (const type of ['pkcs8', 'sec1'] as const) {
      const { privateKey } = generateKeyPairSync('ec', {
        namedCurve: 'P-256',
        publicKeyEncoding: { type: 'spki', format: 'pem' },
        privateKeyEncoding: { type, format: 'pem', cipher: 'aes-256-cbc', passphrase: 'secret' },
      });
      const path = file('encrypted', privateKey);
      await isRefused({ tlsCertFile: cert, tlsKeyFile: path }, 'tlsKeyFile', path, 'is encrypted');
    }
  });

  it('are refused where they hold a secret and other users can read or change it, unless an option permits that', async () => {
    const clusterKeyFile = file('cluster.key', KEY);
    const tls = { tlsCertFile: file('cert', own.cert), tlsKeyFile: file('key', own.key) };
    const accepted = {
      owner: [0o600, 0o400],
      group: [0o600, 0o440, 0o640],
      all: [0o600, 0o440, 0o644, 0o777],
    } as const;
    const refused = { owner: [0o640, 0o440, 0o620, 0o644, 0o604, 0o602, 0o777], group: [0o644, 0o444, 0o642, 0o777] };
    for (const keyFileReaders of ['owner', 'group', 'all'] as const) {
      for (const mode of accepted[keyFileReaders]) {
        for (const path of [clusterKeyFile, tls.tlsKeyFile]) chmodSync(path, mode);
        expect(await settings({ clusterKeyFile, ...tls, keyFileReaders })).to.include.keys('key', 'tls');
      }
    }
    for (const keyFileReaders of ['owner', 'group'] as const) {
      for (const mode of refused[keyFileReaders]) {
        for (const path of [clusterKeyFile, tls.tlsKeyFile]) chmodSync(path, mode);
        const words = ['has mode 0', mode.toString(8), 'chmod 600', 'set keyFileReaders to'];
        await isRefused({ clusterKeyFile, keyFileReaders }, 'clusterKeyFile', clusterKeyFile, ...words);
        await isRefused({ ...tls, keyFileReaders }, 'tlsKeyFile', tls.tlsKeyFile, ...words);
      }
    }
  });

  it('may be public where they hold certificates', async () => {
    const [tlsCertFile, tlsCaFile] = [file('cert', own.cert), file('ca', authority.cert)];
    for (const path of [tlsCertFile, tlsCaFile]) chmodSync(path, 0o644);
    expect(await settings({ tlsCertFile, tlsKeyFile: file('key', own.key), tlsCaFile })).to.have.property('tls');
  });

  it('have the mode of what a link leads to, as in the volumes of Kubernetes', async () => {
    const clusterKeyFile = join(folder, 'link');
    symlinkSync(file('real', KEY), clusterKeyFile);
    expect(await settings({ clusterKeyFile })).to.include({ key: KEY });
    chmodSync(join(folder, 'real'), 0o644);
    await isRefused({ clusterKeyFile }, 'has mode 0644', 'set keyFileReaders to all');
  });

  it('are read before anything listens', async () => {
    const start = Runtime.start({ listen: 'unix:', clusterKeyFile: file('key', ''), log: silentLogger });
    expect(await rejection(start))
      .to.be.instanceOf(ConfigError)
      .with.property('message')
      .that.includes('is empty');
  });

  it('have the same checks as keys and certificates in code', async () => {
    const { cert, key } = own;
    const wrong: readonly (readonly [LinkSecurity, string])[] = [
      [{ key: '' }, 'has 0 bytes'],
      [{ key: new Uint8Array(0) }, 'has 0 bytes'],
      [{ tls: { cert } }, 'tls.cert is set, and tls.key is not'],
      [{ tls: { cert: '', key } }, 'tls.cert contains no certificate'],
      [{ tls: { cert, key: other.key } }, 'tls.key is not the private key'],
      [{ tls: { ca: '' } }, 'tls.ca contains no certificate'],
      [{ tls: { ca: [] } }, 'tls.ca contains no certificate'],
    ];
    for (const [security, words] of wrong) {
      await using executor = new Executor({ net: { listen: 'unix:', ...security } });
      const error = await rejection(executor.start());
      expect(error).to.be.instanceOf(ConfigError).with.property('message').that.includes(words);
    }
  });
});
