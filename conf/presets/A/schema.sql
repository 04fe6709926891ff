-- The tables of PostfixAdmin 3.3 that a mail server reads, for tests and for trying things out. A real
-- installation has them already; PostfixAdmin makes and changes them. Most columns are latin1 there.

CREATE TABLE domain (
  domain varchar(255) NOT NULL,
  description varchar(255) CHARACTER SET utf8mb4 NOT NULL DEFAULT '',
  aliases int NOT NULL DEFAULT 0,
  mailboxes int NOT NULL DEFAULT 0,
  maxquota bigint NOT NULL DEFAULT 0,
  quota bigint NOT NULL DEFAULT 0,
  transport varchar(255) NOT NULL DEFAULT 'virtual',
  backupmx tinyint(1) NOT NULL DEFAULT 0,
  created datetime NOT NULL DEFAULT '2000-01-01 00:00:00',
  modified datetime NOT NULL DEFAULT '2000-01-01 00:00:00',
  active tinyint(1) NOT NULL DEFAULT 1,
  password_expiry int DEFAULT 0,
  PRIMARY KEY (domain)
) ENGINE=InnoDB DEFAULT CHARSET=latin1;

CREATE TABLE mailbox (
  username varchar(255) NOT NULL,
  password varchar(255) NOT NULL,
  name varchar(255) CHARACTER SET utf8mb4 NOT NULL DEFAULT '',
  maildir varchar(255) NOT NULL,
  quota bigint NOT NULL DEFAULT 0,
  local_part varchar(255) NOT NULL DEFAULT '',
  domain varchar(255) NOT NULL,
  created datetime NOT NULL DEFAULT '2000-01-01 00:00:00',
  modified datetime NOT NULL DEFAULT '2000-01-01 00:00:00',
  active tinyint(1) NOT NULL DEFAULT 1,
  phone varchar(30) CHARACTER SET utf8mb4 NOT NULL DEFAULT '',
  email_other varchar(255) CHARACTER SET utf8mb4 NOT NULL DEFAULT '',
  token varchar(255) CHARACTER SET utf8mb4 NOT NULL DEFAULT '',
  token_validity datetime NOT NULL DEFAULT '2000-01-01 00:00:00',
  password_expiry datetime NOT NULL DEFAULT '2000-01-01 00:00:00',
  PRIMARY KEY (username),
  KEY domain (domain)
) ENGINE=InnoDB DEFAULT CHARSET=latin1;

CREATE TABLE alias (
  address varchar(255) NOT NULL,
  goto text NOT NULL,
  domain varchar(255) NOT NULL,
  created datetime NOT NULL DEFAULT '2000-01-01 00:00:00',
  modified datetime NOT NULL DEFAULT '2000-01-01 00:00:00',
  active tinyint(1) NOT NULL DEFAULT 1,
  PRIMARY KEY (address),
  KEY domain (domain)
) ENGINE=InnoDB DEFAULT CHARSET=latin1;

CREATE TABLE alias_domain (
  alias_domain varchar(255) NOT NULL,
  target_domain varchar(255) NOT NULL,
  created datetime NOT NULL DEFAULT '2000-01-01 00:00:00',
  modified datetime NOT NULL DEFAULT '2000-01-01 00:00:00',
  active tinyint(1) NOT NULL DEFAULT 1,
  PRIMARY KEY (alias_domain),
  KEY active (active),
  KEY target_domain (target_domain)
) ENGINE=InnoDB DEFAULT CHARSET=latin1;

CREATE TABLE quota (
  username varchar(255) NOT NULL,
  path varchar(100) NOT NULL,
  current bigint DEFAULT NULL,
  PRIMARY KEY (username, path)
) ENGINE=InnoDB DEFAULT CHARSET=latin1;

CREATE TABLE quota2 (
  username varchar(100) NOT NULL,
  bytes bigint NOT NULL DEFAULT 0,
  messages int NOT NULL DEFAULT 0,
  PRIMARY KEY (username)
) ENGINE=InnoDB DEFAULT CHARSET=latin1;

CREATE TABLE vacation (
  email varchar(255) NOT NULL,
  subject varchar(255) CHARACTER SET utf8mb4 NOT NULL DEFAULT '',
  body text CHARACTER SET utf8mb4 NOT NULL DEFAULT '',
  cache text NOT NULL DEFAULT '',
  domain varchar(255) NOT NULL,
  created datetime NOT NULL DEFAULT '2000-01-01 00:00:00',
  modified timestamp NOT NULL DEFAULT current_timestamp(),
  active tinyint(1) NOT NULL DEFAULT 1,
  activefrom timestamp NOT NULL DEFAULT '2000-01-01 00:00:00',
  activeuntil timestamp NOT NULL DEFAULT '2038-01-18 00:00:00',
  interval_time int NOT NULL DEFAULT 0,
  PRIMARY KEY (email),
  KEY email (email)
) ENGINE=InnoDB DEFAULT CHARSET=latin1;
