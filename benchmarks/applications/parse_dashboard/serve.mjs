// parse-dashboard with two users and no application behind it.
import { createRequire } from "node:module";

const require = createRequire(import.meta.url);
const express = require("express");
const ParseDashboard = require("parse-dashboard");

const { APP_PASSWORD: pass, APP_TOTP: mfa, APP_PORT: port } = process.env;
const dashboard = new ParseDashboard(
  {
    apps: [{ serverURL: `http://127.0.0.1:${port}/parse`, appId: "example", masterKey: "for-this-run-only", appName: "Example" }],
    users: [{ user: "otto", pass, mfa }, { user: "paula", pass }],
  },
  { allowInsecureHTTP: true, cookieSessionSecret: "for-this-run-only" },
);
const app = express();
app.use("/", dashboard);
app.listen(Number(port), "127.0.0.1");
