// The interface of Homebridge by itself (without Homebridge), with two users.
import { spawn } from "node:child_process";
import { pbkdf2Sync } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";

const { APP_PORT, APP_DATA, APP_PASSWORD, APP_TOTP } = process.env;
const user = (id, username, more) => {
  const salt = "for-this-run-only";
  const hashedPassword = pbkdf2Sync(APP_PASSWORD, salt, 1000, 64, "sha512").toString("hex");
  return { id, username, name: username, hashedPassword, salt, admin: true, ...more };
};
writeFileSync(
  join(APP_DATA, "config.json"),
  JSON.stringify({
    bridge: { name: "Example", username: "0E:89:49:64:91:86", port: 0, pin: "630-27-655" },
    platforms: [{ platform: "config", name: "Config", port: Number(APP_PORT), host: "127.0.0.1", auth: "form" }],
  }),
);
writeFileSync(
  join(APP_DATA, "auth.json"),
  JSON.stringify([user(1, "otto", { otpActive: true, otpSecret: APP_TOTP }), user(2, "paula", { otpActive: false })]),
);
const packages = join(process.env.APP_ENV, "node_modules");
const program = join(packages, "homebridge-config-ui-x", "dist", "bin", "standalone.js");
const server = spawn(process.execPath, [program, "-U", APP_DATA, "-P", packages], { stdio: "inherit" });
process.on("SIGTERM", () => server.kill());
server.on("exit", (code) => process.exit(code ?? 0));
