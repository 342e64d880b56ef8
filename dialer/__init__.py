"""The predictive dialer for collections centres: Asterisk over AMI, segment-prioritised Redis queues."""
