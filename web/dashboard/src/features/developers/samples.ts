import payMjs from "./samples/pay.mjs.txt?raw";
import payPhp from "./samples/pay.php.txt?raw";
import payPy from "./samples/pay.py.txt?raw";
import payRb from "./samples/pay.rb.txt?raw";
import paySh from "./samples/pay.sh.txt?raw";
import verifyMjs from "./samples/verify.mjs.txt?raw";
import verifyPhp from "./samples/verify.php.txt?raw";
import verifyPy from "./samples/verify.py.txt?raw";
import verifyRb from "./samples/verify.rb.txt?raw";
import verifySh from "./samples/verify.sh.txt?raw";

/** The programs of the integration guide. tests/stack/documents runs each of them. */
export const SAMPLES: Record<string, { name: string; pay: string; verify: string }> = {
  curl: { name: "curl", pay: paySh, verify: verifySh },
  python: { name: "Python", pay: payPy, verify: verifyPy },
  node: { name: "Node", pay: payMjs, verify: verifyMjs },
  php: { name: "PHP", pay: payPhp, verify: verifyPhp },
  ruby: { name: "Ruby", pay: payRb, verify: verifyRb },
};

/** A program with the reader's own address and key id. The secret is never in it. */
export function filledIn(program: string, values: Record<string, string>): string {
  return program.replaceAll(/\{\{([A-Z_]+)\}\}/g, (whole, name: string) => values[name] ?? whole).trimEnd();
}
