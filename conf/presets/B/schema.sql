-- The tables of deployment B (Postfix, Courier, saslauthd), for tests and for trying things out. A real
-- installation has them already.

CREATE TABLE domains (
  domain varchar(50) NOT NULL,
  PRIMARY KEY (domain)
) DEFAULT CHARSET=latin1;

CREATE TABLE forwardings (
  source varchar(80) NOT NULL,
  destination text NOT NULL,
  PRIMARY KEY (source)
) DEFAULT CHARSET=latin1;

CREATE TABLE users (
  email varchar(80) NOT NULL,
  password varchar(20) NOT NULL,
  quota int DEFAULT 10485760,
  PRIMARY KEY (email)
) DEFAULT CHARSET=latin1;

CREATE TABLE transport (
  domain varchar(128) NOT NULL DEFAULT '',
  transport varchar(128) NOT NULL DEFAULT '',
  UNIQUE KEY domain (domain)
) DEFAULT CHARSET=latin1;
