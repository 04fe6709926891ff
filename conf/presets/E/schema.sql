-- Tables of an application that has users of its own (deployment E), for tests and for trying things out. Any
-- other tables fit too: the queries name them.

CREATE TABLE email_user (
  user_no varchar(64) NOT NULL,
  mail_account varchar(255) NOT NULL,
  mail_password varchar(255) NOT NULL,
  mail_domain varchar(190) NOT NULL,
  mail_dir varchar(255) NOT NULL,
  PRIMARY KEY (user_no, mail_domain)
) DEFAULT CHARSET=utf8mb4;

CREATE TABLE email_aliase (
  aliase varchar(190) NOT NULL,
  destination text NOT NULL,
  PRIMARY KEY (aliase)
) DEFAULT CHARSET=utf8mb4;
