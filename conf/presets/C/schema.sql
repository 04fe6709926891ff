-- The tables of ExtMail that a mail server reads, for tests and for trying things out. A real installation has
-- them already; ExtMan makes and changes them.

CREATE TABLE alias (
  address varchar(255) NOT NULL DEFAULT '',
  goto text NOT NULL,
  domain varchar(255) NOT NULL DEFAULT '',
  createdate datetime NOT NULL DEFAULT '2000-01-01 00:00:00',
  active tinyint(1) NOT NULL DEFAULT 1,
  PRIMARY KEY (address)
) DEFAULT CHARSET=utf8;

CREATE TABLE domain (
  domain varchar(255) NOT NULL DEFAULT '',
  description varchar(255) NOT NULL DEFAULT '',
  hashdirpath varchar(255) NOT NULL DEFAULT '',
  maxalias int NOT NULL DEFAULT 0,
  maxusers int NOT NULL DEFAULT 0,
  maxquota varchar(16) NOT NULL DEFAULT '0',
  maxnetdiskquota varchar(16) NOT NULL DEFAULT '0',
  transport varchar(255) NOT NULL DEFAULT 'maildrop:',
  can_signup tinyint(1) NOT NULL DEFAULT 0,
  default_quota varchar(255) NOT NULL DEFAULT '',
  default_netdiskquota varchar(255) NOT NULL DEFAULT '',
  default_expire varchar(12) NOT NULL DEFAULT '',
  disablesmtpd tinyint(1) NOT NULL DEFAULT 0,
  disablesmtp tinyint(1) NOT NULL DEFAULT 0,
  disablewebmail tinyint(1) NOT NULL DEFAULT 0,
  disablenetdisk tinyint(1) NOT NULL DEFAULT 0,
  disableimap tinyint(1) NOT NULL DEFAULT 0,
  disablepop3 tinyint(1) NOT NULL DEFAULT 0,
  createdate datetime NOT NULL DEFAULT '2000-01-01 00:00:00',
  expiredate date NOT NULL DEFAULT '2030-01-01',
  active tinyint(1) NOT NULL DEFAULT 1,
  PRIMARY KEY (domain)
) DEFAULT CHARSET=utf8;

CREATE TABLE mailbox (
  username varchar(255) NOT NULL DEFAULT '',
  uid varchar(255) NOT NULL DEFAULT '',
  password varchar(255) NOT NULL DEFAULT '',
  clearpwd varchar(128) NOT NULL DEFAULT '',
  name varchar(255) NOT NULL DEFAULT '',
  mailhost varchar(255) NOT NULL DEFAULT '',
  maildir varchar(255) NOT NULL DEFAULT '',
  homedir varchar(255) NOT NULL DEFAULT '',
  quota varchar(16) NOT NULL DEFAULT '0',
  netdiskquota varchar(16) NOT NULL DEFAULT '0',
  domain varchar(255) NOT NULL DEFAULT '',
  uidnumber int NOT NULL DEFAULT 2525,
  gidnumber int NOT NULL DEFAULT 2525,
  createdate datetime NOT NULL DEFAULT '2000-01-01 00:00:00',
  expiredate date NOT NULL DEFAULT '2030-01-01',
  active tinyint(1) NOT NULL DEFAULT 1,
  disablepwdchange tinyint(1) NOT NULL DEFAULT 0,
  disablesmtpd tinyint(1) NOT NULL DEFAULT 0,
  disablesmtp tinyint(1) NOT NULL DEFAULT 0,
  disablewebmail tinyint(1) NOT NULL DEFAULT 0,
  disablenetdisk tinyint(1) NOT NULL DEFAULT 0,
  disableimap tinyint(1) NOT NULL DEFAULT 0,
  disablepop3 tinyint(1) NOT NULL DEFAULT 0,
  PRIMARY KEY (username)
) DEFAULT CHARSET=utf8;
