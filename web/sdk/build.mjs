// Builds the SDK. Without an argument: `checkout.js`, into the folder from which the checkout origin serves it.
// --check: compare that file with what the source gives. --package: the npm package, into dist/.

import { createHash } from "node:crypto";
import { mkdir, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { execFileSync } from "node:child_process";
import { gzipSync } from "node:zlib";
import esbuild from "esbuild";
import { minify } from "terser";

const BUDGET = 3072;
const here = new URL("./", import.meta.url);
const served = new URL("../../api/hosted/sdk/", here);
const { version } = JSON.parse(await readFile(new URL("package.json", here), "utf8"));

const digest = (algorithm, bytes, encoding) => createHash(algorithm).update(bytes).digest(encoding);

/** What the file was built from, so that a machine without Node sees that it is stale (tests/unit/test_sdk_files.py). */
async function sourceDigest() {
  const names = (await readdir(new URL("src/", here))).sort();
  const texts = await Promise.all(names.map((name) => readFile(new URL(`src/${name}`, here))));
  return digest("sha256", Buffer.concat(texts), "hex");
}

async function bundle(entry, format) {
  const { outputFiles } = await esbuild.build({
    absWorkingDir: here.pathname,
    entryPoints: [`src/${entry}.ts`],
    bundle: true,
    write: false,
    format,
    charset: "utf8",
    target: "es2022",
    minify: format === "iife",
    define: { VERSION: JSON.stringify(version) },
  });
  return outputFiles[0].text;
}

async function script() {
  const compress = { passes: 3, ecma: 2022, unsafe_arrows: true, pure_getters: true };
  const { code } = await minify(await bundle("global", "iife"), { compress, ecma: 2022 });
  return Buffer.from(code + "\n");
}

async function described(code) {
  const file = new URL("versions.json", served);
  const known = JSON.parse(await readFile(file, "utf8").catch(() => '{"versions": {}}'));
  known.latest = { ...known.latest, [`v${version.split(".")[0]}`]: version };
  known.versions[version] = {
    integrity: `sha384-${digest("sha384", code, "base64")}`,
    source_sha256: await sourceDigest(),
  };
  return { file, text: `${JSON.stringify(known, null, 2)}\n` };
}

async function buildScript(check) {
  const code = await script();
  const size = gzipSync(code, { level: 9 }).length;
  if (size > BUDGET) throw new Error(`checkout.js is ${size} bytes compressed: more than ${BUDGET}`);
  const { file, text } = await described(code);
  const target = new URL(`${version}/checkout.js`, served);
  if (check) {
    const same = code.equals(await readFile(target)) && text === (await readFile(file, "utf8"));
    if (!same) throw new Error("the committed checkout.js is not what the source gives: run `npm run build` in web/sdk");
  } else {
    await mkdir(new URL("./", target), { recursive: true });
    await writeFile(target, code);
    await writeFile(file, text);
  }
  console.log(`checkout.js ${version}: ${size} bytes compressed`);
}

async function buildPackage() {
  const dist = new URL("dist/", here);
  await rm(dist, { recursive: true, force: true });
  await mkdir(dist);
  await writeFile(new URL("index.js", dist), await bundle("index", "esm"));
  const flags = ["--declaration", "--emitDeclarationOnly", "--outDir", "dist"];
  execFileSync("node", ["node_modules/typescript/bin/tsc", ...flags], { cwd: here, stdio: "inherit" });
}

const [task] = process.argv.slice(2);
if (task === "--package") await buildPackage();
else await buildScript(task === "--check");
